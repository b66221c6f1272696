#include "filter/journal/state_page.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "filter/journal/disk_io.hpp"
#include "proto/event/tlv.hpp"
#include "proto/journal/crc32c.hpp"

namespace smtpauth {

namespace {

using event::append_big_endian;
using event::read_big_endian;

/// Distance of the two copies: no disk tears both at once.
constexpr std::size_t copy_distance = 4096;

constexpr std::uint64_t magic = 0x736d74706a6e6c31; // "smtpjnl1"

/// Every number of a copy, in the order of the file.
template <class State>
auto fields_of(State& state)
{
    return std::array{&state.acknowledged,   &state.lost.messages,     &state.lost.others,     &state.settled.messages,
                      &state.settled.others, &state.settling.messages, &state.settling.others, &state.settling_sequence,
                      &state.first_lost_ms,  &state.last_lost_ms};
}

constexpr std::size_t number_size = 8;
constexpr std::size_t copy_size = (2 + 10) * number_size + 4;

std::string to_bytes(const JournalState& state, std::uint64_t generation)
{
    std::string bytes;
    append_big_endian(bytes, magic, number_size);
    append_big_endian(bytes, generation, number_size);
    for (const std::uint64_t* field : fields_of(state))
        append_big_endian(bytes, *field, number_size);
    append_big_endian(bytes, journal::crc32c(bytes), 4);
    return bytes;
}

struct Copy {
    std::uint64_t generation = 0;
    JournalState state;
};

std::optional<Copy> from_bytes(std::string_view bytes)
{
    if (bytes.size() != copy_size || read_big_endian(bytes.substr(0, number_size)) != magic ||
        read_big_endian(bytes.substr(copy_size - 4)) != journal::crc32c(bytes.substr(0, copy_size - 4)))
        return std::nullopt;
    Copy copy;
    copy.generation = read_big_endian(bytes.substr(number_size, number_size));
    std::size_t at = 2 * number_size;
    for (std::uint64_t* field : fields_of(copy.state)) {
        *field = read_big_endian(bytes.substr(at, number_size));
        at += number_size;
    }
    return copy;
}

off_t place_of(std::uint64_t generation)
{
    return generation % 2 == 0 ? off_t{0} : off_t{copy_distance};
}

} // namespace

StatePage::StatePage(Disk& disk, std::string path) : disk_(disk), path_(std::move(path))
{
    if (!open())
        return;
    for (std::uint64_t parity = 0; parity < 2; ++parity) {
        std::string bytes;
        if (!read_all(disk_, fd_, copy_size, place_of(parity), bytes))
            continue;
        const auto copy = from_bytes(bytes);
        if (copy && copy->generation % 2 == parity && copy->generation > generation_) {
            generation_ = copy->generation;
            state_ = copy->state;
        }
    }
}

StatePage::~StatePage()
{
    close();
}

bool StatePage::open()
{
    if (fd_ < 0)
        fd_ = disk_.open(path_, O_RDWR | O_CREAT, journal_file_mode);
    return fd_ >= 0;
}

void StatePage::close()
{
    if (fd_ >= 0)
        disk_.close(std::exchange(fd_, -1));
}

bool StatePage::save(const JournalState& state, bool sync)
{
    state_ = state;
    if (!open())
        return false;
    const std::string bytes = to_bytes(state, generation_ + 1);
    if (!write_all(disk_, fd_, bytes, place_of(generation_ + 1)) || (sync && !sync_file(disk_, fd_))) {
        // A failed sync is told once a descriptor; and the copy that may be torn now is the one to write again.
        const int error = errno;
        close();
        errno = error;
        return false;
    }
    ++generation_;
    return true;
}

} // namespace smtpauth
