// What the collector reads of its own files: lines of its logs, and its state. Properties: what it writes of what it
// read comes out the same after reading and writing; the quick look at a line finds the same id as the whole reading.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "collector/stats_log/line.hpp"
#include "collector/stats_log/line_reader.hpp"
#include "collector/stats_log/state_file.hpp"

namespace {

using namespace smtpauth;

void require(bool property)
{
    if (!property)
        std::abort();
}

std::string line_of(const LoggedRecord& logged)
{
    std::string line;
    append_line(line, logged.record, logged.id, LogRecipients::full);
    return line;
}

void check_line(std::string_view line)
{
    const auto marks = marks_of(line);
    const auto read = read_log_line(line);
    const auto* found = std::get_if<LoggedRecord>(&read);
    if (!found)
        return;
    require(!marks || marks->id == found->id);
    const std::string written = line_of(*found);
    require(std::count(written.begin(), written.end(), '\n') == 1);
    const auto again = read_log_line(written);
    const auto* same = std::get_if<LoggedRecord>(&again);
    const auto same_marks = marks_of(written);
    require(same_marks && same_marks->id == found->id);
    require(same != nullptr && same->id == found->id && line_of(*same) == written);
}

void check_state(std::string_view text)
{
    if (const auto state = parse_state(text)) {
        const std::string written = state_to_text(*state);
        const auto again = parse_state(written);
        require(again && state_to_text(*again) == written);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_state(text);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        check_line(text.substr(at, end - at));
        at = end + 1;
    }
    return 0;
}
