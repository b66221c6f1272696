#include "tests/support/sim_disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace smtpauth::test {

namespace {

int fail(int error)
{
    errno = error;
    return -1;
}

std::string directory_of(const std::string& path)
{
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
}

std::string without_last_slash(const std::string& directory)
{
    return directory.size() > 1 && directory.ends_with('/') ? directory.substr(0, directory.size() - 1) : directory;
}

timespec to_timespec(Clock::WallTime time)
{
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    return {seconds.time_since_epoch().count(), std::chrono::nanoseconds(time - seconds).count()};
}

bool may_write(int flags)
{
    return (flags & O_ACCMODE) != O_RDONLY;
}

/// Copies one block from `from` to `to`, as far as both reach; what `from` lacks is zeros.
void copy_block(const std::string& from, std::string& to, std::size_t block)
{
    const std::size_t begin = block * SimDisk::block_size;
    if (begin >= to.size())
        return;
    const std::size_t room = std::min(SimDisk::block_size, to.size() - begin);
    const std::size_t there = begin < from.size() ? std::min(room, from.size() - begin) : 0;
    std::copy_n(from.data() + std::min(begin, from.size()), there, to.data() + begin);
    std::fill_n(to.begin() + static_cast<std::ptrdiff_t>(begin + there), room - there, '\0');
}

} // namespace

/// Octets `begin` to `end` are not on the disk any more.
void SimDisk::File::touch(std::size_t begin, std::size_t end)
{
    for (std::size_t block = begin / block_size; begin < end && block * block_size < end; ++block)
        dirty.insert(block);
}

void SimDisk::File::resize(std::size_t size)
{
    const std::size_t before = cached.size();
    cached.resize(size, '\0');
    dirty.erase(dirty.lower_bound((size + block_size - 1) / block_size), dirty.end());
    // The last page is cleared behind the end.
    if (size < before && size % block_size != 0)
        touch(size, size + 1);
    if (size > before)
        touch(before, size);
}

void SimDisk::NameChange::apply(Names& names) const
{
    if (const auto found = names.find(removed); found != names.end() && found->second == file)
        names.erase(found);
    if (!added.empty())
        names[added] = file;
}

void SimDisk::set_fault(const Fault& fault)
{
    const std::lock_guard lock(mutex_);
    fault_ = fault;
    faultable_ = 0;
}

void SimDisk::clear_fault()
{
    const std::lock_guard lock(mutex_);
    fault_.reset();
}

bool SimDisk::fault_reached() const
{
    const std::lock_guard lock(mutex_);
    return fault_ && faultable_ >= fault_->nth;
}

void SimDisk::set_capacity(std::uint64_t octets)
{
    const std::lock_guard lock(mutex_);
    capacity_ = octets;
}

void SimDisk::kill_at(std::uint64_t nth)
{
    const std::lock_guard lock(mutex_);
    until_killed_ = nth;
}

bool SimDisk::killed() const
{
    const std::lock_guard lock(mutex_);
    return killed_;
}

void SimDisk::restart()
{
    const std::lock_guard lock(mutex_);
    begin_anew();
}

void SimDisk::power_cut(std::mt19937& random)
{
    const std::lock_guard lock(mutex_);
    // From nearly nothing to nearly all: an even chance alone would hardly ever try either.
    std::bernoulli_distribution chance(std::uniform_int_distribution(0, 4)(random) / 4.0);
    const auto survives = [&] { return chance(random); };
    for (const NameChange& change : changes_)
        if (survives())
            change.apply(stored_names_);
    changes_.clear();
    names_ = stored_names_;
    std::set<File*> files;
    for (const auto& [path, file] : names_)
        if (files.insert(file.get()).second)
            survive(*file, survives(), survives);
    begin_anew();
}

/// Leaves of the file what a power cut does.
void SimDisk::survive(File& file, bool size_survives, const std::function<bool()>& survives) const
{
    std::string left((size_survives ? file.cached : file.stored).size(), '\0');
    for (std::size_t block = 0; block * block_size < left.size(); ++block)
        copy_block(file.dirty.contains(block) && survives() ? file.cached : file.stored, left, block);
    file.dirty.clear();
    file.cached = left;
    file.stored = std::move(left);
}

void SimDisk::begin_anew()
{
    descriptors_.clear();
    fault_.reset();
    until_killed_ = 0;
    killed_ = false;
}

std::uint64_t SimDisk::calls() const
{
    const std::lock_guard lock(mutex_);
    std::uint64_t all = 0;
    for (const auto& [call, count] : calls_)
        all += count;
    return all;
}

std::uint64_t SimDisk::calls(Call call) const
{
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(call);
    return found == calls_.end() ? 0 : found->second;
}

void SimDisk::put(const std::string& path, std::string_view text)
{
    const std::lock_guard lock(mutex_);
    const FilePtr file = make_file(path, 0640);
    file->cached = text;
    file->stored = text;
    stored_names_[path] = file;
    std::erase_if(changes_, [&path](const NameChange& change) { return change.added == path; });
}

void SimDisk::set_last_write(const std::string& path, Clock::WallTime time)
{
    const std::lock_guard lock(mutex_);
    File& file = *names_.at(path);
    file.last_write = file.last_change = time;
}

std::optional<std::string> SimDisk::content(const std::string& path) const
{
    const std::lock_guard lock(mutex_);
    const auto found = names_.find(path);
    return found == names_.end() ? std::nullopt : std::optional(found->second->cached);
}

std::vector<std::string> SimDisk::files() const
{
    const std::lock_guard lock(mutex_);
    std::vector<std::string> paths;
    for (const auto& [path, file] : names_)
        paths.push_back(path);
    return paths;
}

std::size_t SimDisk::open_descriptors() const
{
    const std::lock_guard lock(mutex_);
    return descriptors_.size();
}

/// Counts the call and says what becomes of it; sets errno where it fails.
SimDisk::Fate SimDisk::begin(Call call)
{
    ++calls_[call];
    if (killed_ || (until_killed_ != 0 && --until_killed_ == 0)) {
        errno = EIO;
        return std::exchange(killed_, true) || call != Call::write ? Fate::fails : Fate::half;
    }
    if (!fault_ || (fault_->call && *fault_->call != call))
        return Fate::works;
    ++faultable_;
    if (faultable_ < fault_->nth || faultable_ - fault_->nth >= fault_->times)
        return Fate::works;
    errno = fault_->error;
    return fault_->error == 0 ? Fate::half : Fate::fails;
}

SimDisk::Descriptor* SimDisk::descriptor(int fd)
{
    const auto found = descriptors_.find(fd);
    if (found == descriptors_.end())
        errno = EBADF;
    return found == descriptors_.end() ? nullptr : &found->second;
}

SimDisk::FilePtr SimDisk::make_file(const std::string& path, mode_t mode)
{
    auto file = std::make_shared<File>();
    file->number = next_file_++;
    file->mode = mode;
    file->last_write = now();
    change({"", path, file});
    return file;
}

void SimDisk::change(const NameChange& change)
{
    change.apply(names_);
    change.file->last_change = now();
    changes_.push_back(change);
}

/// Octets of all files that have a name or are open.
std::uint64_t SimDisk::used() const
{
    std::set<const File*> files;
    for (const auto& [path, file] : names_)
        files.insert(file.get());
    for (const auto& [fd, descriptor] : descriptors_)
        files.insert(descriptor.file.get());
    std::uint64_t octets = 0;
    for (const File* file : files)
        octets += file->cached.size();
    return octets;
}

int SimDisk::open(const std::string& path, int flags, mode_t mode)
{
    const std::lock_guard lock(mutex_);
    if (begin(Call::open) == Fate::fails)
        return -1;
    const auto found = names_.find(path);
    if (found == names_.end() && (flags & O_CREAT) == 0)
        return fail(ENOENT);
    if (found != names_.end() && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0)
        return fail(EEXIST);
    FilePtr file = found == names_.end() ? make_file(path, mode) : found->second;
    if ((flags & O_TRUNC) != 0 && may_write(flags))
        file->resize(0);
    descriptors_[next_descriptor_] = {std::move(file), flags, 0};
    return next_descriptor_++;
}

int SimDisk::close(int fd)
{
    const std::lock_guard lock(mutex_);
    const Fate fate = begin(Call::close);
    const int error = errno;
    if (killed_)
        return -1;
    if (descriptors_.erase(fd) == 0)
        return fail(EBADF);
    return fate == Fate::fails ? fail(error) : 0;
}

ssize_t SimDisk::read_at(int fd, void* to, std::size_t size, off_t offset)
{
    const std::lock_guard lock(mutex_);
    const Fate fate = begin(Call::read);
    const Descriptor* const from = fate == Fate::fails ? nullptr : descriptor(fd);
    if (!from)
        return -1;
    const std::string& text = from->file->cached;
    const auto begin_at = std::min(static_cast<std::size_t>(offset), text.size());
    std::size_t count = std::min(size, text.size() - begin_at);
    if (fate == Fate::half)
        count = (count + 1) / 2;
    std::memcpy(to, text.data() + begin_at, count);
    return static_cast<ssize_t>(count);
}

ssize_t SimDisk::write(int fd, const void* from, std::size_t size)
{
    const std::lock_guard lock(mutex_);
    const Fate fate = begin(Call::write);
    Descriptor* const to = fate == Fate::fails ? nullptr : descriptor(fd);
    if (!to)
        return -1;
    if (!may_write(to->flags))
        return fail(EBADF);
    if ((to->flags & O_APPEND) != 0)
        to->offset = to->file->cached.size();
    const ssize_t count = write_to(*to->file, {static_cast<const char*>(from), size}, to->offset, fate);
    to->offset += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    return count;
}

ssize_t SimDisk::write_at(int fd, const void* from, std::size_t size, off_t offset)
{
    const std::lock_guard lock(mutex_);
    const Fate fate = begin(Call::write);
    const Descriptor* const to = fate == Fate::fails ? nullptr : descriptor(fd);
    if (!to)
        return -1;
    if (!may_write(to->flags))
        return fail(EBADF);
    // O_APPEND makes pwrite() append, whatever its offset: pwrite(2), BUGS.
    const std::size_t at = (to->flags & O_APPEND) != 0 ? to->file->cached.size() : static_cast<std::size_t>(offset);
    return write_to(*to->file, {static_cast<const char*>(from), size}, at, fate);
}

ssize_t SimDisk::write_to(File& file, std::string_view bytes, std::size_t offset, Fate fate)
{
    if (fate == Fate::half)
        bytes = bytes.substr(0, (bytes.size() + 1) / 2);
    const std::uint64_t in_use = used();
    const std::uint64_t room = capacity_ > in_use ? capacity_ - in_use : 0;
    const std::uint64_t size = file.cached.size();
    if (offset + bytes.size() > size && offset + bytes.size() - size > room) {
        if (size + room <= offset)
            return fail(ENOSPC);
        bytes = bytes.substr(0, size + room - offset);
    }
    if (offset + bytes.size() > size)
        file.resize(offset + bytes.size());
    file.cached.replace(offset, bytes.size(), bytes);
    file.touch(offset, offset + bytes.size());
    file.last_write = file.last_change = now();
    return static_cast<ssize_t>(bytes.size());
}

int SimDisk::sync(int fd)
{
    const std::lock_guard lock(mutex_);
    const Fate fate = begin(Call::sync);
    if (killed_)
        return -1;
    const int error = errno;
    const Descriptor* const synced = descriptor(fd);
    if (!synced)
        return -1;
    File& file = *synced->file;
    if (fate == Fate::fails) {
        if (error != EINTR)
            file.dirty.clear();
        return fail(error);
    }
    file.stored.resize(file.cached.size(), '\0');
    for (const std::size_t block : std::exchange(file.dirty, {}))
        copy_block(file.cached, file.stored, block);
    return 0;
}

int SimDisk::truncate(int fd, off_t size)
{
    const std::lock_guard lock(mutex_);
    const Descriptor* const cut = begin(Call::truncate) == Fate::fails ? nullptr : descriptor(fd);
    if (!cut)
        return -1;
    if (!may_write(cut->flags))
        return fail(EINVAL);
    cut->file->resize(static_cast<std::size_t>(size));
    cut->file->last_write = cut->file->last_change = now();
    return 0;
}

int SimDisk::change_mode(int fd, mode_t mode)
{
    const std::lock_guard lock(mutex_);
    const Descriptor* const changed = begin(Call::change_mode) == Fate::fails ? nullptr : descriptor(fd);
    if (!changed)
        return -1;
    changed->file->mode = mode;
    changed->file->last_change = now();
    return 0;
}

void SimDisk::describe(const File& file, struct stat& status) const
{
    status = {};
    status.st_dev = 1;
    status.st_ino = file.number;
    status.st_nlink = static_cast<nlink_t>(
        std::count_if(names_.begin(), names_.end(), [&file](const auto& name) { return name.second.get() == &file; }));
    status.st_mode = S_IFREG | file.mode;
    status.st_size = static_cast<off_t>(file.cached.size());
    status.st_mtim = to_timespec(file.last_write);
    status.st_ctim = to_timespec(file.last_change);
}

int SimDisk::change_last_write(int fd, const timespec& time)
{
    const std::lock_guard lock(mutex_);
    const Descriptor* const changed = begin(Call::change_last_write) == Fate::fails ? nullptr : descriptor(fd);
    if (!changed)
        return -1;
    changed->file->last_write = Clock::WallTime(std::chrono::floor<std::chrono::milliseconds>(
        std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)));
    changed->file->last_change = now();
    return 0;
}

int SimDisk::status(int fd, struct stat& status)
{
    const std::lock_guard lock(mutex_);
    const Descriptor* const asked = begin(Call::status) == Fate::fails ? nullptr : descriptor(fd);
    if (!asked)
        return -1;
    describe(*asked->file, status);
    return 0;
}

int SimDisk::status(const std::string& path, struct stat& status)
{
    const std::lock_guard lock(mutex_);
    if (begin(Call::status) == Fate::fails)
        return -1;
    const auto found = names_.find(path);
    if (found == names_.end())
        return fail(ENOENT);
    describe(*found->second, status);
    return 0;
}

int SimDisk::rename(const std::string& from, const std::string& to)
{
    const std::lock_guard lock(mutex_);
    return begin(Call::rename) == Fate::fails ? -1 : rename_now(from, to);
}

int SimDisk::rename_to_free(const std::string& from, const std::string& to)
{
    const std::lock_guard lock(mutex_);
    if (begin(Call::rename) == Fate::fails)
        return -1;
    return names_.contains(to) ? fail(EEXIST) : rename_now(from, to);
}

int SimDisk::rename_now(const std::string& from, const std::string& to)
{
    const auto found = names_.find(from);
    if (found == names_.end())
        return fail(ENOENT);
    change({from, to, found->second});
    return 0;
}

int SimDisk::remove(const std::string& path)
{
    const std::lock_guard lock(mutex_);
    if (begin(Call::remove) == Fate::fails)
        return -1;
    const auto found = names_.find(path);
    if (found == names_.end())
        return fail(ENOENT);
    change({path, "", found->second});
    return 0;
}

int SimDisk::sync_directory(const std::string& path)
{
    const std::lock_guard lock(mutex_);
    if (begin(Call::sync_directory) == Fate::fails)
        return -1;
    const std::string directory = without_last_slash(path);
    std::erase_if(changes_, [&](const NameChange& change) {
        const bool here = (!change.removed.empty() && directory_of(change.removed) == directory) ||
                          (!change.added.empty() && directory_of(change.added) == directory);
        if (here)
            change.apply(stored_names_);
        return here;
    });
    return 0;
}

int SimDisk::list(const std::string& path, std::vector<std::string>& names)
{
    const std::lock_guard lock(mutex_);
    names.clear();
    if (begin(Call::list) == Fate::fails)
        return -1;
    const std::string directory = without_last_slash(path);
    for (const auto& [name, file] : names_)
        if (directory_of(name) == directory)
            names.push_back(name.substr(name.rfind('/') + 1));
    return 0;
}

} // namespace smtpauth::test
