#include "collector/stats_log/compress_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "collector/stats_log/gzip.hpp"
#include "collector/stats_log/rotated_name.hpp"

namespace smtpauth {

namespace {

using Error = std::optional<std::string>;

constexpr std::size_t block_size = std::size_t{256} * 1024;

std::string failure(const std::string& path, const char* what)
{
    return fmt::format("{}: {}: {}", path, what, std::generic_category().message(errno));
}

/// A file under a descriptor that is closed.
class OpenFile {
public:
    OpenFile(Disk& disk, const std::string& path, int flags)
        : disk_(disk),
          fd_(disk.open(path, flags | O_NONBLOCK, 0600))
    {
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile()
    {
        if (fd_ >= 0)
            disk_.close(fd_);
    }

    explicit operator bool() const { return fd_ >= 0; }
    int fd() const { return fd_; }

    /// The next octets, fewer than `size` at the end only. @return  false with errno.
    bool read(std::string& block, std::size_t size = block_size)
    {
        block.resize(size);
        std::size_t got = 0;
        while (got < size) {
            const ssize_t count = disk_.read_at(fd_, block.data() + got, size - got, offset_);
            if (count < 0 && errno != EINTR)
                return false;
            if (count == 0)
                break;
            got += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
            offset_ += std::max<ssize_t>(count, 0);
        }
        block.resize(got);
        return true;
    }

    /// @return  false with errno.
    bool write(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const ssize_t count = disk_.write(fd_, bytes.data(), bytes.size());
            if (count == 0)
                errno = ENOSPC;
            if (count == 0 || (count < 0 && errno != EINTR))
                return false;
            bytes.remove_prefix(count < 0 ? 0 : static_cast<std::size_t>(count));
        }
        return true;
    }

private:
    Disk& disk_;
    int fd_;
    off_t offset_ = 0;
};

class Compression {
public:
    Compression(Disk& disk, const std::string& path, const std::function<bool()>& stopped)
        : disk_(disk),
          path_(path),
          target_(path + std::string(compressed_suffix)),
          temporary_(target_ + ".new"),
          stopped_(stopped)
    {
    }

    Error run()
    {
        OpenFile plain(disk_, path_, O_RDONLY);
        if (!plain)
            return failure(path_, "cannot open");
        struct stat status {};
        if (disk_.status(target_, status) == 0)
            return compare(plain);
        if (errno != ENOENT)
            return failure(target_, "cannot look at");
        auto error = write_temporary(plain);
        if (error || given_up_)
            disk_.remove(temporary_);
        return error || given_up_ ? error : replace();
    }

private:
    bool give_up() { return given_up_ = given_up_ || stopped_(); }

    Error write_temporary(OpenFile& plain)
    {
        struct stat status {};
        if (disk_.status(plain.fd(), status) != 0)
            return failure(path_, "cannot look at");
        OpenFile compressed(disk_, temporary_, O_WRONLY | O_CREAT | O_TRUNC);
        if (!compressed)
            return failure(temporary_, "cannot open");
        if (auto error = compress(plain, compressed); error || given_up_)
            return error;
        if (disk_.change_mode(compressed.fd(), status.st_mode & 07777) != 0 ||
            disk_.change_last_write(compressed.fd(), status.st_mtim) != 0)
            return failure(temporary_, "cannot give mode and time");
        if (disk_.sync(compressed.fd()) != 0)
            return failure(temporary_, "cannot sync");
        return std::nullopt;
    }

    Error compress(OpenFile& plain, OpenFile& compressed)
    {
        GzipEncoder encoder;
        std::string block;
        std::string out;
        do {
            if (give_up())
                return std::nullopt;
            if (!plain.read(block))
                return failure(path_, "cannot read");
            out.clear();
            if (block.empty())
                encoder.finish(out);
            else
                encoder.encode(block, out);
            if (!compressed.write(out))
                return failure(temporary_, "cannot write");
        } while (!block.empty());
        return std::nullopt;
    }

    Error replace()
    {
        if (disk_.rename_to_free(temporary_, target_) != 0)
            return failure(target_, "cannot rename to it");
        return remove_plain();
    }

    /// Only once the name of the compressed one is safe.
    Error remove_plain()
    {
        const std::string directory = std::filesystem::path(path_).parent_path();
        if (disk_.sync_directory(directory.empty() ? "." : directory) != 0)
            return failure(path_, "cannot sync the directory");
        return disk_.remove(path_) == 0 ? std::nullopt : Error(failure(path_, "cannot remove"));
    }

    /// There is a compressed one: of an earlier try that was killed before the plain one was removed, or somebody's.
    Error compare(OpenFile& plain)
    {
        OpenFile compressed(disk_, target_, O_RDONLY);
        if (!compressed)
            return failure(target_, "cannot open");
        GzipDecoder decoder;
        std::string packed;
        std::string unpacked;
        std::string block;
        bool same = true;
        do {
            if (give_up())
                return std::nullopt;
            if (!compressed.read(packed))
                return failure(target_, "cannot read");
            unpacked.clear();
            same = decoder.decode(packed, unpacked);
            if (!plain.read(block, unpacked.size()))
                return failure(path_, "cannot read");
            same = same && block == unpacked;
        } while (same && !packed.empty());
        if (!plain.read(block, 1))
            return failure(path_, "cannot read");
        if (!same || !decoder.finished() || !block.empty())
            return fmt::format("{}: {} has other content; both stay", path_, target_);
        return remove_plain();
    }

    Disk& disk_;
    const std::string& path_;
    const std::string target_;
    const std::string temporary_;
    const std::function<bool()>& stopped_;
    bool given_up_ = false;
};

} // namespace

std::optional<std::string> compress_file(Disk& disk, const std::string& path, const std::function<bool()>& stopped)
{
    return Compression(disk, path, stopped).run();
}

} // namespace smtpauth
