// A file of the journal. Properties: what was written is read; a file of any octets gives frames in order, and every
// octet before its end is a frame's or damaged, once.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "proto/journal/frame.hpp"

namespace {

using namespace smtpauth::journal;

constexpr std::uint64_t journal_id = 0x6a6f75726e616c31;
constexpr std::uint64_t first = 7;

void require(bool property)
{
    if (!property)
        std::abort();
}

/// Octet by octet: every frame and every damage follows what is before it.
void check_scan(Bytes file)
{
    std::uint64_t last = 0;
    std::size_t read = 0;
    const Scan found = scan(file, journal_id, first, [&](const Frame& frame) {
        require(frame.sequence > last);
        last = frame.sequence;
        read += frame.size();
    });
    require(found.last == last);
    require(found.used + found.unfinished <= file.size());
    std::size_t end = 0;
    for (const Damage& damage : found.damages) {
        require(damage.offset >= end);
        require(damage.last + 1 >= damage.first);
        end = damage.offset + damage.size;
        read += damage.size;
    }
    require(end <= found.used && read == found.used);
}

/// The input as records, cut at each 0xff, then written over: two octets say where, one with what.
void check_written(Bytes input)
{
    const std::size_t cut = std::min(input.find("\xff\xff"), input.size());
    std::string file;
    std::vector<std::string> records;
    for (std::size_t at = 0; at < cut;) {
        const std::size_t end = std::min(input.find('\xff', at), cut);
        if (at == end) { // no record is empty
            ++at;
            continue;
        }
        const std::size_t begin = begin_frame(file);
        records.emplace_back(input.substr(at, end - at));
        file.append(records.back());
        end_frame(file, begin, journal_id, first + records.size() - 1, 0);
        at = end + 1;
    }
    file.append(100, '\0');

    std::size_t seen = 0;
    const Scan found = scan(file, journal_id, first, [&](const Frame& frame) {
        require(seen < records.size() && frame.sequence == first + seen && frame.record == records[seen]);
        ++seen;
    });
    require(seen == records.size() && found.damages.empty() && found.unfinished == 0);

    for (std::size_t at = cut; at + 3 <= input.size(); at += 3)
        file[(static_cast<unsigned char>(input[at]) * 256U + static_cast<unsigned char>(input[at + 1])) % file.size()] =
            input[at + 2];
    check_scan(file);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const Bytes input(reinterpret_cast<const char*>(data), size);
    check_scan(input);
    check_written(input);
    return 0;
}
