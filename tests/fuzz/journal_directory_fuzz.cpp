// A journal directory of any content. Properties: it opens, or says why not; what is read of it comes in order, once;
// the next start finds the directory mended, and nothing to tell that was told.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include <fmt/format.h>

#include "filter/journal/reader.hpp"
#include "filter/journal/store.hpp"
#include "proto/event/frame_decoder.hpp"
#include "proto/journal/frame.hpp"
#include "tests/support/sim_disk.hpp"

namespace {

using namespace smtpauth;

void require(bool property)
{
    if (!property)
        std::abort();
}

/// The fuzzer's octets, taken from the front.
class Input {
public:
    explicit Input(std::string_view bytes) : rest_(bytes) {}

    bool empty() const { return rest_.empty(); }
    unsigned octet() { return rest_.empty() ? 0 : static_cast<unsigned char>(take(1)[0]); }
    /// As many as the next octet says.
    std::string_view text() { return take(octet()); }

private:
    std::string_view take(std::size_t size)
    {
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(taken.size());
        return taken;
    }

    std::string_view rest_;
};

/// Frames with what the fuzzer wants in them, some octets written over.
std::string segment(Input& input, std::uint64_t journal, std::uint64_t first)
{
    std::string file;
    for (unsigned frames = input.octet() % 8; frames > 0; --frames) {
        const std::size_t begin = journal::begin_frame(file);
        file.append(input.text());
        journal::end_frame(file, begin, journal, first, input.octet());
        first += 1 + input.octet() / 250;
    }
    file.append(input.octet(), '\0');
    for (unsigned damages = input.octet() % 4; damages > 0 && !file.empty(); --damages) {
        const std::size_t at = (input.octet() * 256U + input.octet()) % file.size();
        file[at] = static_cast<char>(input.octet());
    }
    return file;
}

/// What a sender would do. @return  frames sent.
std::size_t drain(test::SimDisk& disk, Catalogue& catalogue, std::uint64_t own, std::uint64_t last)
{
    JournalReader reader(disk, catalogue);
    catalogue.release(last);
    std::map<std::uint64_t, std::uint64_t> newest; // of each journal
    std::size_t sent = 0;
    std::uint64_t acknowledged = catalogue.acknowledged();
    std::uint64_t journal = reader.seek(acknowledged, own);
    for (int turns = 0; turns < 1000; ++turns) {
        std::string out;
        const auto chunk = reader.read(out, 4096);
        event::FrameDecoder decoder;
        decoder.feed(out);
        while (const auto frame = decoder.next()) {
            const auto* record = std::get_if<event::RecordFrame>(&*frame);
            require(record != nullptr && record->sequence > newest[journal]);
            newest[journal] = record->sequence;
            ++sent;
        }
        require(!decoder.failed());
        if (chunk.last != 0) {
            acknowledged = chunk.last;
            catalogue.acknowledge(acknowledged);
        } else if (reader.journal_ended()) {
            journal = reader.seek(acknowledged, own);
        } else {
            return sent;
        }
    }
    std::abort(); // it never ends
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input({reinterpret_cast<const char*>(data), size});
    test::SimDisk disk;
    if (input.octet() != 0)
        disk.put("/j/state", input.text());
    std::uint64_t first = input.octet();
    while (!input.empty()) {
        const std::uint64_t journal = 1 + input.octet() % 3;
        disk.put(fmt::format("/j/{:016x}-{:020}.j1", journal, first), segment(input, journal, first));
        first += input.octet();
    }

    const JournalStore::Settings settings{.directory = "/j", .max_bytes = 1 << 20, .segment_bytes = 4096};
    for (std::uint64_t start = 0; start < 2; ++start) {
        Catalogue catalogue;
        try {
            JournalStore store(disk, settings, 100 + start, catalogue, {});
            const std::size_t sent = drain(disk, catalogue, 100 + start, store.last());
            require(start == 0 || sent == 0);
            store.trim({catalogue.acknowledged(), catalogue.acknowledged()});
            store.save_position();
        } catch (const std::runtime_error&) {
            return 0;
        }
    }
    return 0;
}
