#include "collector/stats_log/state_file.hpp"

#include <fcntl.h>

#include <cerrno>
#include <charconv>
#include <iterator>
#include <system_error>

#include <fmt/format.h>

#include "common/disk_io.hpp"
#include "common/log.hpp"

namespace smtpauth {

namespace {

constexpr std::string_view header = "smtpauth-collector state 1\n";
constexpr std::string_view end_mark = "end\n";

/// Two logs of Cursors::max_journals lines are half of that.
constexpr std::size_t max_size = std::size_t{1024} * 1024;

void append_log(std::string& out, std::string_view name, const LogState& log)
{
    fmt::format_to(std::back_inserter(out), "{} {} {}\n", name, log.inode, log.size);
    for (const event::RecordId& id : log.before.list())
        fmt::format_to(std::back_inserter(out), "{}\n", to_string(id));
}

/// Takes what is expected off the text's beginning, or nothing.
class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    bool take(std::string_view expected)
    {
        const bool there = text_.starts_with(expected);
        text_.remove_prefix(there ? expected.size() : 0);
        return there;
    }

    /// A number, and what follows it.
    template <class Number>
    bool take(Number& number, std::string_view behind)
    {
        const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), number);
        if (error != std::errc{})
            return false;
        text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
        return take(behind);
    }

    std::optional<event::RecordId> take_id()
    {
        const std::string_view line = text_.substr(0, text_.find('\n'));
        const auto id = event::parse_record_id(line);
        return id && take(line) && take("\n") ? id : std::nullopt;
    }

    bool at_end() const { return text_.empty(); }

private:
    std::string_view text_;
};

bool take_log(Reader& text, std::string_view name, LogState& log)
{
    if (!text.take(name) || !text.take(" ") || !text.take(log.inode, " ") || !text.take(log.size, "\n"))
        return false;
    while (const auto id = text.take_id())
        log.before.advance(*id);
    return true;
}

/// @return  0 or an errno.
int read_state(Disk& disk, const std::string& path, std::string& text)
{
    text.clear();
    const DiskFile file(disk, path, O_RDONLY | O_NONBLOCK);
    return file && read_all(disk, file.fd(), max_size, 0, text) ? 0 : errno;
}

} // namespace

std::string state_to_text(const CollectorState& state)
{
    std::string text(header);
    append_log(text, "stats", state.stats);
    append_log(text, "rejects", state.rejects);
    return text.append(end_mark);
}

std::optional<CollectorState> parse_state(std::string_view text)
{
    Reader reader(text);
    CollectorState state;
    if (reader.take(header) && take_log(reader, "stats", state.stats) && take_log(reader, "rejects", state.rejects) &&
        reader.take(end_mark) && reader.at_end())
        return state;
    return std::nullopt;
}

CollectorState load_state(Disk& disk, const std::string& path)
{
    std::string text;
    int error = read_state(disk, path, text);
    if (error != 0 && error != ENOENT)
        error = read_state(disk, path, text); // once more: without it records could be written twice
    if (error != 0 && error != ENOENT)
        log::error("{}: cannot be read: {}; the logs themselves are asked", path,
                   std::generic_category().message(error));
    if (error != 0)
        return {};
    auto state = parse_state(text);
    if (!state)
        log::error("{}: not as this program writes it; the logs themselves are asked", path);
    return state.value_or(CollectorState{});
}

} // namespace smtpauth
