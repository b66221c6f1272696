// Log lines. Properties: any values, written and read, come out the same, in one line; a line that reads comes
// out the same after writing and reading.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "proto/ltsv/ltsv.hpp"

namespace {

using namespace smtpauth::ltsv;

void require(bool property)
{
    if (!property)
        std::abort();
}

std::string written(const Fields& fields)
{
    std::string line;
    LineWriter writer(line);
    for (const auto& [label, value] : fields)
        writer.field(label, value);
    writer.end();
    return line;
}

void check_round_trip(const Fields& fields)
{
    const std::string line = written(fields);
    require(std::count(line.begin(), line.end(), '\n') == 1);
    require(std::count(line.begin(), line.end(), '\t') ==
            static_cast<std::ptrdiff_t>(std::max<std::size_t>(fields.size(), 1) - 1));
    const auto read = read_line(line);
    require(std::get_if<Fields>(&read) != nullptr && std::get<Fields>(read) == fields);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);

    // The input as values, cut at each 0xff: every other octet may occur in one.
    Fields fields;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find('\xff', at), text.size());
        fields.emplace_back(fields.size() % 2 == 0 ? "recipient" : "sender", text.substr(at, end - at));
        at = end + 1;
    }
    check_round_trip(fields);

    // The input as lines.
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const auto read = read_line(text.substr(at, end - at));
        if (const auto* found = std::get_if<Fields>(&read))
            check_round_trip(*found);
        at = end + 1;
    }
    return 0;
}
