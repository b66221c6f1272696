#include "common/watched_id_list.hpp"

#include <algorithm>
#include <utility>

#include "common/log.hpp"
#include "common/read_file.hpp"

namespace smtpauth {

namespace {

constexpr std::chrono::minutes reminder_interval{1};

/// How often a file that could not be read is tried again, besides when something happens to it.
constexpr std::chrono::seconds retry_interval{1};

/// A file that is no list would be one that lists nobody. "" where nothing is wrong.
std::string_view fault_of(std::string_view text)
{
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
        return "is UTF-16, expected UTF-8";
    if (text.find('\0') != std::string_view::npos)
        return "has a NUL byte, expected text";
    return {};
}

} // namespace

WatchedIdList::WatchedIdList(asio::io_context& io, Background& background, std::string path,
                             const IdNormalizer& normalizer, const Clock& clock,
                             const std::shared_ptr<const IdList>& until_read, std::uint64_t max_bytes)
    : background_(background),
      path_(std::move(path)),
      normalizer_(normalizer),
      clock_(clock),
      max_bytes_(max_bytes),
      list_(until_read ? until_read : std::make_shared<const IdList>()),
      due_timer_(io),
      retry_(io),
      watch_(io, path_,
             {.replaced =
                  [this] {
                      reload_schedule_.completed(clock_.steady_now());
                      note_change();
                  },
              .modified =
                  [this] {
                      reload_schedule_.changed(clock_.steady_now());
                      note_change();
                  },
              .vanished = [this] { on_vanished(); }})
{
    until_read ? reload() : read_now();
}

void WatchedIdList::read_now()
{
    reload_schedule_.completed(clock_.steady_now());
    judge(read_file(path_, max_bytes_, normalizer_), clock_.steady_now());
}

void WatchedIdList::reload()
{
    // As if it were written just now: also a list that somebody is rewriting must not be taken half done.
    reload_schedule_.completed(clock_.steady_now());
    read();
}

void WatchedIdList::note_change()
{
    changed_meanwhile_ = reading_;
    schedule();
}

void WatchedIdList::schedule()
{
    const auto due = reload_schedule_.due();
    if (!due) {
        due_timer_.cancel();
        return;
    }
    due_timer_.expires_after(std::max(*due - clock_.steady_now(), Clock::SteadyTime::duration::zero()));
    due_timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
        if (!error && !alive.expired())
            on_due();
    });
}

void WatchedIdList::on_due()
{
    // Changes since the timer was set may have moved the time.
    const auto due = reload_schedule_.due();
    if (due && *due <= clock_.steady_now())
        read();
    else
        schedule();
}

/// Any thread.
WatchedIdList::Content WatchedIdList::read_file(const std::string& path, std::uint64_t max_bytes,
                                                const IdNormalizer& normalizer)
{
    const FileContent content = smtpauth::read_file(path, max_bytes, SymbolicLink::refuse);
    if (!content.error.empty())
        return {content.error, {}};
    if (const std::string_view fault = fault_of(content.text); !fault.empty())
        return {std::string(fault), {}};
    return {{}, IdList::parse(content.text, normalizer)};
}

void WatchedIdList::read()
{
    if (std::exchange(reading_, true)) {
        changed_meanwhile_ = true;
        return;
    }
    background_.run([path = path_, max_bytes = max_bytes_,
                     normalizer = normalizer_] { return read_file(path, max_bytes, normalizer); },
                    [this, read_at = clock_.steady_now(), alive = std::weak_ptr(alive_)](Content content) {
                        if (!alive.expired())
                            judge(std::move(content), read_at);
                    });
}

void WatchedIdList::judge(Content content, Clock::SteadyTime read_at)
{
    reading_ = false;
    const bool changed = std::exchange(changed_meanwhile_, false);
    if (!content.problem.empty()) {
        reload_schedule_.cancel();
        complain(content.problem);
    } else {
        problem_.clear();
        retry_.cancel();
        const std::size_t before = list_->size();
        const auto verdict = reload_schedule_.judge(read_at, before, content.list.size());
        if (verdict == ReloadSchedule::Verdict::warn)
            log::warning("id list {}: shrank from {} to {} ids", path_, before, content.list.size());
        if (verdict != ReloadSchedule::Verdict::wait)
            take(std::move(content.list));
    }
    if (changed)
        reload_schedule_.changed(clock_.steady_now());
    schedule();
}

void WatchedIdList::take(IdList list)
{
    list_ = std::make_shared<const IdList>(std::move(list));
    log::info("id list {}: {} ids", path_, list_->size());
}

void WatchedIdList::on_vanished()
{
    reload_schedule_.cancel();
    schedule();
    complain("has vanished");
}

void WatchedIdList::complain(const std::string& problem)
{
    const auto now = clock_.steady_now();
    const bool trying = !problem_.empty();
    if (problem != problem_ || now - complained_ >= reminder_interval) {
        log::error("id list {}: {}; {} ids stay in use", path_, problem, list_->size());
        complained_ = now;
    }
    problem_ = problem;
    if (!trying)
        retry();
}

/// What kept the file from being read may pass without anything happening to the file.
void WatchedIdList::retry()
{
    retry_.expires_after(retry_interval);
    retry_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
        if (error || alive.expired() || problem_.empty())
            return;
        reload();
        retry();
    });
}

} // namespace smtpauth
