// A disk in memory, for tests of what must outlast a crash: any call can fail, the disk can be full, the process can be
// killed at any call, and the power can go. Every directory exists; there are no symbolic links.
//
// A power cut leaves as little as POSIX allows: what was synced, and of the rest any part. Each block of 4 KiB that was
// not synced is old or new, and so is the file's size, whatever its blocks are; what was never written reads as zeros.
// Names have their own sync: of the names made, changed and removed since sync_directory() any subset survives.
#pragma once

#include <cerrno>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/disk.hpp"

namespace smtpauth::test {

/// Any thread.
class SimDisk final : public Disk {
public:
    static constexpr std::size_t block_size = 4096;

    /// Both reads, and both writes, are one kind.
    enum class Call {
        open,
        close,
        read,
        write,
        sync,
        truncate,
        change_mode,
        change_last_write,
        status,
        rename,
        remove,
        sync_directory,
        list
    };

    /// What a call does in place of its work. A close() that fails closes all the same, as Linux does. A sync() that
    /// fails leaves the data unwritten and forgets that it was to be written: the next one works and syncs nothing.
    /// One that was interrupted forgets nothing.
    struct Fault {
        std::uint64_t nth = 1;      ///< which one of the calls that follow
        std::optional<Call> call{}; ///< of this kind only
        int error = EIO;            ///< errno; 0: reads and writes do half, rounded up, and other calls all
        std::uint64_t times = 1;    ///< so many calls in a row
        static constexpr auto for_ever = std::numeric_limits<std::uint64_t>::max();
    };

    /// @param clock  for the files' last writes; without one they are at the epoch.
    explicit SimDisk(const Clock* clock = nullptr) : clock_(clock) {}

    /// In place of the fault before. A test that loops over `nth` ends when it is not reached any more.
    void set_fault(const Fault& fault);
    void clear_fault();
    bool fault_reached() const;

    /// All files together may have so many octets; what finds no room is ENOSPC, after a short count where a part fits.
    void set_capacity(std::uint64_t octets);

    /// The process is killed at the nth call that follows: that one is not done, if it writes by half, and later ones
    /// fail without effect until restart() or power_cut().
    void kill_at(std::uint64_t nth);
    bool killed() const;

    /// Another process: descriptors are closed, all that was done stays, no fault is set.
    void restart();

    /// The same after a power cut.
    void power_cut(std::mt19937& random);

    /// Calls since the beginning: of all kinds, of one.
    std::uint64_t calls() const;
    std::uint64_t calls(Call call) const;

    /// Makes or replaces a file, synced. Not a call.
    void put(const std::string& path, std::string_view text);
    void set_last_write(const std::string& path, Clock::WallTime time);

    /// What a process would read now; nothing where there is no file. Not a call.
    std::optional<std::string> content(const std::string& path) const;

    /// Files there are, with their directories, sorted. Not a call.
    std::vector<std::string> files() const;

    /// Descriptors that are open.
    std::size_t open_descriptors() const;

    int open(const std::string& path, int flags, mode_t mode) override;
    int close(int fd) override;
    ssize_t read_at(int fd, void* to, std::size_t size, off_t offset) override;
    ssize_t write(int fd, const void* from, std::size_t size) override;
    ssize_t write_at(int fd, const void* from, std::size_t size, off_t offset) override;
    int sync(int fd) override;
    int truncate(int fd, off_t size) override;
    int change_mode(int fd, mode_t mode) override;
    int change_last_write(int fd, const timespec& time) override;
    int status(int fd, struct stat& status) override;
    int status(const std::string& path, struct stat& status) override;
    int rename(const std::string& from, const std::string& to) override;
    int rename_to_free(const std::string& from, const std::string& to) override;
    int remove(const std::string& path) override;
    int sync_directory(const std::string& path) override;
    int list(const std::string& path, std::vector<std::string>& names) override;

private:
    /// An inode.
    struct File {
        ino_t number = 0;
        mode_t mode = 0;
        Clock::WallTime last_write{};
        Clock::WallTime last_change{}; ///< of anything, its name too
        std::string cached;            ///< as processes see it
        std::string stored;            ///< as the disk has it
        std::set<std::size_t> dirty;   ///< numbers of the blocks that a sync would write

        void resize(std::size_t size);
        void touch(std::size_t begin, std::size_t end);
    };
    using FilePtr = std::shared_ptr<File>;
    using Names = std::map<std::string, FilePtr>;

    struct Descriptor {
        FilePtr file;
        int flags = 0;
        std::size_t offset = 0;
    };

    /// A file got a name, lost one, or both at once. "" is no name.
    struct NameChange {
        std::string removed;
        std::string added;
        FilePtr file;

        void apply(Names& names) const;
    };

    enum class Fate { works, half, fails };

    Fate begin(Call call);
    Descriptor* descriptor(int fd);
    FilePtr make_file(const std::string& path, mode_t mode);
    ssize_t write_to(File& file, std::string_view bytes, std::size_t offset, Fate fate);
    void change(const NameChange& change);
    int rename_now(const std::string& from, const std::string& to);
    void survive(File& file, bool size_survives, const std::function<bool()>& survives) const;
    void begin_anew();
    std::uint64_t used() const;
    Clock::WallTime now() const { return clock_ ? clock_->now() : Clock::WallTime{}; }
    void describe(const File& file, struct stat& status) const;

    const Clock* clock_;
    mutable std::mutex mutex_; ///< guards all that follows
    Names names_;
    Names stored_names_;
    std::vector<NameChange> changes_; ///< since their directories were synced
    std::map<int, Descriptor> descriptors_;
    int next_descriptor_ = 1'000'000; ///< no number that the system would know
    ino_t next_file_ = 1;
    std::uint64_t capacity_ = std::numeric_limits<std::uint64_t>::max();
    std::map<Call, std::uint64_t> calls_;
    std::optional<Fault> fault_;
    std::uint64_t faultable_ = 0;    ///< calls since set_fault() that the fault could be for
    std::uint64_t until_killed_ = 0; ///< calls; 0: it will not be
    bool killed_ = false;
};

} // namespace smtpauth::test
