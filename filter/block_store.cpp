#include "filter/block_store.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/log.hpp"
#include "common/read_file.hpp"
#include "common/replace_file.hpp"

namespace smtpauth {

namespace {

constexpr mode_t block_file_mode = 0640;
constexpr std::uint64_t largest_file = std::uint64_t{256} << 20;

/// Before the file is tried again.
constexpr std::chrono::seconds pause_after_failure{10};

/// The first line of the file.
constexpr std::string_view position_label = "position:";

/// Nothing is left to be written.
constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();

std::uint64_t take_position(std::string_view& text)
{
    std::uint64_t position = 0;
    if (!text.starts_with(position_label))
        return position;
    std::from_chars(text.data() + position_label.size(), text.data() + text.size(), position);
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    return position;
}

} // namespace

BlockStore::BlockStore(asio::io_context& io, Background& background, Disk& disk, std::string path)
    : background_(background),
      disk_(disk),
      path_(std::move(path)),
      again_(io),
      passed_(all)
{
    struct stat status {};
    if (disk_.status(path_, status) != 0 && errno == ENOENT)
        return;
    const FileContent file = read_file(path_, largest_file, SymbolicLink::refuse);
    if (!file.error.empty())
        throw std::runtime_error(fmt::format("{}: {}; to start with nobody blocked, move it away", path_, file.error));
    std::string_view text = file.text;
    position_ = take_position(text);
    const auto errors = list_.from_text(text);
    for (const std::string& error : errors)
        log::error("{}: {}; left out", path_, error);
    if (errors.empty())
        return;
    const std::string copy = path_ + ".damaged";
    if (const auto failed = replace_file(disk_, copy, file.text, block_file_mode))
        throw std::runtime_error(*failed);
    log::error("{}: copied to {}", path_, copy);
}

void BlockStore::recover(std::uint64_t sequence, const event::Record& record)
{
    const bool is_block = record.type == event::RecordType::block && record.until != event::Time{}; // else it warns
    const bool is_change = is_block || record.type == event::RecordType::unblock;
    if (sequence > position_ && is_change)
        take(sequence, record);
}

void BlockStore::start(std::uint64_t last)
{
    // Numbers that the journal lost are given anew; those of another journal mean nothing here.
    if (position_ > last) {
        position_ = last;
        passed_ = 0;
    }
    if (passed_ != all)
        save();
}

void BlockStore::take(std::uint64_t sequence, const event::Record& record)
{
    list_.apply(record);
    if (passed_ == all)
        passed_ = position_;
    position_ = sequence;
}

void BlockStore::change(std::uint64_t sequence, const event::Record& record, Saved saved)
{
    list_.forget_past(record.eom_time);
    take(sequence, record);
    waiting_.push_back(std::move(saved));
    if (!is_saving_)
        save();
}

void BlockStore::save()
{
    is_saving_ = true;
    again_.cancel();
    background_.run(
        [&disk = disk_, path = path_, text = fmt::format("{}{}\n{}", position_label, position_, list_.to_text())] {
            return replace_file(disk, path, text, block_file_mode);
        },
        [this, position = position_, told = std::exchange(waiting_, {})](const std::optional<std::string>& error) {
            saved(position, told, error);
        });
}

void BlockStore::saved(std::uint64_t position, const std::vector<Saved>& told, const std::optional<std::string>& error)
{
    is_saving_ = false;
    if (error) {
        log::error("{}; a kill is outlived by what the journal has of the blocks", *error);
        save_later();
    } else {
        passed_ = position == position_ ? all : position;
    }
    for (const Saved& tell : told)
        tell(error);
    if (!waiting_.empty() && !is_saving_)
        save();
}

void BlockStore::save_later()
{
    again_.expires_after(pause_after_failure);
    again_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !is_saving_)
            save();
    });
}

} // namespace smtpauth
