#include "collector/stats_log/compress_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "collector/stats_log/gzip.hpp"
#include "collector/stats_log/rotated_name.hpp"
#include "common/disk_io.hpp"

namespace smtpauth {

namespace {

using Error = std::optional<std::string>;

constexpr std::size_t block_size = std::size_t{256} * 1024;

std::string failure(const std::string& path, const char* what)
{
    return fmt::format("{}: {}: {}", path, what, std::generic_category().message(errno));
}

/// A file that is read, or written, from its beginning to its end.
class Stream {
public:
    Stream(Disk& disk, const std::string& path, int flags) : disk_(disk), file_(disk, path, flags | O_NONBLOCK, 0600) {}

    explicit operator bool() const { return static_cast<bool>(file_); }
    int fd() const { return file_.fd(); }

    /// The next octets, fewer than `size` at the end only. @return  false with errno.
    bool read(std::string& block, std::size_t size = block_size)
    {
        const bool done = read_all(disk_, file_.fd(), size, offset_, block);
        offset_ += static_cast<off_t>(done ? block.size() : 0);
        return done;
    }

    /// @return  false with errno.
    bool write(std::string_view bytes)
    {
        const bool done = write_all(disk_, file_.fd(), bytes, offset_);
        offset_ += static_cast<off_t>(done ? bytes.size() : 0);
        return done;
    }

private:
    Disk& disk_;
    DiskFile file_;
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
        Stream plain(disk_, path_, O_RDONLY);
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

    Error write_temporary(Stream& plain)
    {
        struct stat status {};
        if (disk_.status(plain.fd(), status) != 0)
            return failure(path_, "cannot look at");
        Stream compressed(disk_, temporary_, O_WRONLY | O_CREAT | O_TRUNC);
        if (!compressed)
            return failure(temporary_, "cannot open");
        if (auto error = compress(plain, compressed); error || given_up_)
            return error;
        if (disk_.change_mode(compressed.fd(), status.st_mode & 07777) != 0 ||
            disk_.change_last_write(compressed.fd(), status.st_mtim) != 0)
            return failure(temporary_, "cannot give mode and time");
        if (!sync_file(disk_, compressed.fd()))
            return failure(temporary_, "cannot sync");
        return std::nullopt;
    }

    Error compress(Stream& plain, Stream& compressed)
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
    Error compare(Stream& plain)
    {
        Stream compressed(disk_, target_, O_RDONLY);
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
