#include "filter/journal/state_page.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "common/disk_io.hpp"
#include "common/log.hpp"
#include "proto/event/tlv.hpp"
#include "proto/journal/crc32c.hpp"

namespace smtpauth {

namespace {

using event::append_big_endian;
using event::read_big_endian;

/// Distance of the copies: no disk tears two at once.
constexpr std::size_t copy_distance = 4096;

constexpr std::uint64_t magic = 0x736d74706a6e6c31; // "smtpjnl1"

/// Every number of a copy, in the order of the file.
template <class State>
auto fields_of(State& state)
{
    return std::array{
        &state.acknowledged,      &state.acknowledged_journal, &state.lost.messages,     &state.lost.others,
        &state.settled.messages,  &state.settled.others,       &state.settling.messages, &state.settling.others,
        &state.settling_sequence, &state.lost_first,           &state.lost_last,         &state.first_lost_ms,
        &state.last_lost_ms};
}

constexpr std::size_t number_size = 8;
constexpr std::size_t copy_size = (2 + 13) * number_size + 4;

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

constexpr unsigned copies = 3;

off_t offset_of(unsigned place)
{
    return off_t{place} * off_t{copy_distance};
}

} // namespace

StatePage::StatePage(Disk& disk, std::string path) : disk_(disk), path_(std::move(path))
{
    fd_ = disk_.open(path_, O_RDWR, 0);
    if (fd_ >= 0)
        read();
    else if (errno != ENOENT)
        throw_unreadable();
    // All of its room is taken now: a disk may be full when it is needed.
    const bool made =
        generation_ != 0 ||
        (open() && write_all(disk_, fd_, std::string(copies * copy_distance, '\0'), 0) && save(state_, true));
    if (!made || !sync())
        log::error("{}: cannot be written: {}", path_, std::generic_category().message(errno));
}

void StatePage::read()
{
    for (unsigned place = 0; place < copies; ++place) {
        std::string bytes;
        if (!read_all(disk_, fd_, copy_size, offset_of(place), bytes))
            throw_unreadable();
        const auto copy = from_bytes(bytes);
        if (copy && copy->generation > generation_) {
            generation_ = copy->generation;
            state_ = copy->state;
            place_ = place;
        }
    }
}

/// Not taken for empty: another start may be able to read it, and it may have losses to tell of.
void StatePage::throw_unreadable()
{
    const int error = errno;
    close();
    throw std::runtime_error(fmt::format("{}: cannot be read: {}; to start without what it says, move it away", path_,
                                         std::generic_category().message(error)));
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

bool StatePage::sync()
{
    if (!saved_)
        return save(state_, true);
    if (fd_ >= 0 && !sync_file(disk_, fd_))
        return give_up();
    synced_place_ = place_;
    return true;
}

/// A failed sync is told once a descriptor: the next save() takes another one, and is synced.
bool StatePage::give_up()
{
    const int error = errno;
    saved_ = false;
    close();
    errno = error;
    return false;
}

/// Neither the newest copy, which a kill must not tear, nor the last one that a power cut cannot take.
unsigned StatePage::free_place() const
{
    unsigned place = 0;
    while (place == place_ || place == synced_place_)
        ++place;
    return place;
}

bool StatePage::save(const JournalState& state, bool sync)
{
    state_ = state;
    sync = sync || !saved_;
    const unsigned place = free_place();
    if (!open() || !write_all(disk_, fd_, to_bytes(state, generation_ + 1), offset_of(place)) ||
        (sync && !sync_file(disk_, fd_)))
        return give_up();
    ++generation_;
    place_ = place;
    if (sync)
        synced_place_ = place;
    return saved_ = true;
}

} // namespace smtpauth
