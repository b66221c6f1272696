#include "filter/account_store.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "common/disk_io.hpp"
#include "common/log.hpp"
#include "proto/event/tlv.hpp"
#include "proto/journal/crc32c.hpp"
#include "proto/varint.hpp"

namespace smtpauth {

namespace {

constexpr std::string_view magic = "smtpauth accounts 2\n";
constexpr mode_t state_file_mode = 0640;

/// Of a shard: its size and its checksum.
constexpr std::size_t header_size = 8;
constexpr unsigned number_octets = 4;

/// How often it is asked whether another one is due.
constexpr std::chrono::seconds look_interval{1};

/// However many records come, and however the disk fails.
constexpr std::chrono::seconds shortest_pause{10};

std::string shard_as_octets(const AccountState& state, std::size_t shard, std::uint64_t position)
{
    std::string out(header_size, '\0');
    append_varint(out, shard);
    append_varint(out, position);
    state.save(shard, out);
    const std::string_view content = std::string_view(out).substr(header_size);
    event::put_big_endian(out, 0, content.size(), number_octets);
    event::put_big_endian(out, number_octets, journal::crc32c(content), number_octets);
    return out;
}

/// The saved file, read shard by shard: all of it may be large.
class SavedAccounts {
public:
    SavedAccounts(Disk& disk, const std::string& path) : disk_(disk), path_(path), file_(disk, path, O_RDONLY) {}

    AccountState::Positions load(AccountState& state)
    {
        AccountState::Positions positions{};
        if (!file_ && errno == ENOENT)
            return positions;
        struct stat status {};
        if (!file_ || disk_.status(file_.fd(), status) != 0) {
            say(std::generic_category().message(errno));
            return positions;
        }
        size_ = static_cast<std::uint64_t>(status.st_size);
        if (!take(magic.size()) || bytes_ != magic) {
            say(fmt::format("expected a file that begins with \"{}\"", magic.substr(0, magic.size() - 1)));
            return positions;
        }
        for (std::size_t left = positions.size(); left != 0 && load_shard(state, positions); --left) {
        }
        state.put_in_order();
        return positions;
    }

private:
    /// The next octets of the file into bytes_. @return  false: there are not so many.
    bool take(std::uint64_t size)
    {
        if (size > size_ - offset_ || !read_all(disk_, file_.fd(), size, static_cast<off_t>(offset_), bytes_) ||
            bytes_.size() != size)
            return false;
        offset_ += size;
        return true;
    }

    /// @return  false: nothing more can be read.
    bool load_shard(AccountState& state, AccountState::Positions& positions)
    {
        const std::uint64_t at = offset_;
        std::uint64_t size = 0;
        std::uint64_t sum = 0;
        if (take(header_size)) {
            size = event::read_big_endian(std::string_view(bytes_).substr(0, number_octets));
            sum = event::read_big_endian(std::string_view(bytes_).substr(number_octets));
        }
        if (size == 0 || !take(size)) {
            say(fmt::format("at offset {}: {} octets, expected a shard of the accounts; the rest is left out", at,
                            size_ - at));
            return false;
        }
        VarintReader in(bytes_);
        const std::uint64_t shard = in.number();
        const std::uint64_t position = in.number();
        if (journal::crc32c(bytes_) == sum && shard < positions.size() && !in.failed() && state.load(in.rest()))
            positions[shard] = position;
        else
            say(fmt::format("at offset {}: damaged; these accounts are left out", at));
        return true;
    }

    void say(const std::string& what) { log::error("{}: {}", path_, what); }

    Disk& disk_;
    const std::string& path_;
    DiskFile file_;
    std::uint64_t size_ = 0;
    std::uint64_t offset_ = 0;
    std::string bytes_;
};

} // namespace

AccountState::Positions load_accounts(Disk& disk, const std::string& path, AccountState& state)
{
    return SavedAccounts(disk, path).load(state);
}

AccountStore::AccountStore(asio::io_context& io, Background& background, const Clock& clock, Disk& disk,
                           std::string path, AccountState& state, Settings settings)
    : background_(background),
      clock_(clock),
      disk_(disk),
      path_(std::move(path)),
      state_(state),
      settings_(settings),
      saved_(load_accounts(disk_, path_, state_)),
      passed_(*std::min_element(saved_.begin(), saved_.end())),
      timer_(io),
      tried_at_(clock.steady_now())
{
}

void AccountStore::start(std::function<std::uint64_t()> last)
{
    last_ = std::move(last);
    const bool is_other_journal = *std::max_element(saved_.begin(), saved_.end()) > last_();
    if (is_other_journal)
        log::info("{}: contains records that the journal lost, unanswered, or never had", path_);
    // A filter that is killed again and again may never come to save(). It costs no more than the records have.
    const std::uint64_t behind = last_() - std::min(last_(), passed());
    passed_ = std::min(passed(), last_()); // else what comes under numbers that were lost would count as saved
    if (is_other_journal || (behind != 0 && behind >= state_.figures().accounts))
        save_before_serving();
    wait();
}

void AccountStore::save_before_serving()
{
    FileReplacement file(disk_, path_, state_file_mode);
    file.append(magic);
    for (std::size_t shard = 0; shard < AccountState::shard_count; ++shard)
        file.append(shard_as_octets(state_, shard, last_()));
    took(last_(), file.finish(), file.error());
}

/// What came of an attempt to save all records up to `last`.
void AccountStore::took(std::uint64_t last, bool saved, const std::string& error)
{
    if (saved)
        passed_ = last;
    else
        log::error("{}; the state of the accounts is not saved", error);
    tried_at_ = clock_.steady_now();
}

void AccountStore::wait()
{
    timer_.expires_after(look_interval);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error)
            return;
        if (is_due())
            save();
        wait();
    });
}

bool AccountStore::is_due() const
{
    const std::uint64_t records = last_() - passed();
    const auto ago = clock_.steady_now() - tried_at_;
    return records != 0 && (ago >= settings_.time || (records >= settings_.records && ago >= shortest_pause));
}

void AccountStore::save()
{
    if (std::exchange(is_saving_, true))
        return;
    began_at_ = last_();
    background_.run(
        [&disk = disk_, path = path_] {
            auto file = std::make_shared<FileReplacement>(disk, path, state_file_mode);
            file->append(magic);
            return file;
        },
        [this](std::shared_ptr<FileReplacement> file) {
            file_ = std::move(file);
            save_shard(0);
        });
}

void AccountStore::save_shard(std::size_t shard)
{
    background_.run([file = file_, octets = shard_as_octets(state_, shard, last_())] { return file->append(octets); },
                    [this, shard](bool written) { shard_written(shard, written); });
}

void AccountStore::shard_written(std::size_t shard, bool written)
{
    if (written && shard + 1 < AccountState::shard_count)
        save_shard(shard + 1);
    else
        background_.run([file = file_] { return file->finish(); }, [this](bool saved) { ended(saved); });
}

void AccountStore::ended(bool saved)
{
    took(began_at_, saved, file_->error());
    file_.reset();
    is_saving_ = false;
}

} // namespace smtpauth
