// Lists of account ids. Properties: a list has each of its lines, normalised, and no more; whatever stands between.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "common/id_list.hpp"

namespace {

using namespace smtpauth;

void require(bool property)
{
    if (!property)
        std::abort();
}

/// The same, written for being short.
std::set<std::string> ids_of(std::string_view text, const IdNormalizer& normalize)
{
    constexpr std::string_view blanks = " \t\r";
    if (text.starts_with("\xef\xbb\xbf"))
        text.remove_prefix(3);
    std::set<std::string> ids;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        std::string_view line = text.substr(at, end - at);
        at = end + 1;
        line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
        line = line.substr(0, line.find_last_not_of(blanks) + 1);
        if (!line.empty() && line[0] != '#')
            ids.insert(normalize(line));
    }
    return ids;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
        return 0;
    const IdNormalizer normalize{.lowercase = (data[0] & 1) != 0, .strip_domain = (data[0] & 2) != 0};
    const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    const IdList list = IdList::parse(text, normalize);
    const std::set<std::string> expected = ids_of(text, normalize);
    require(list.size() == expected.size());
    for (const std::string& id : expected) {
        require(list.contains(id));
        require(list.contains(id + "x") == expected.contains(id + "x"));
        require(list.contains(id.substr(1)) == expected.contains(id.substr(1)));
    }
    return 0;
}
