#include "common/read_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "common/file_descriptor.hpp"
#include "common/units.hpp"

namespace smtpauth {

namespace {

FileContent failed(std::string reason)
{
    return {{}, std::move(reason)};
}

FileContent failed_call()
{
    return failed(std::generic_category().message(errno));
}

} // namespace

FileContent read_file(const std::string& path, std::uint64_t max_bytes, SymbolicLink link)
{
    const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (link == SymbolicLink::refuse ? O_NOFOLLOW : 0);
    const FileDescriptor file(::open(path.c_str(), flags));
    if (!file)
        return errno == ELOOP && link == SymbolicLink::refuse ? failed("is a symbolic link") : failed_call();
    struct stat status {};
    if (::fstat(file.get(), &status) != 0)
        return failed_call();
    if (!S_ISREG(status.st_mode))
        return failed("is not a regular file");

    FileContent content;
    // One byte more than it should have, to see the end in the same call; it may grow meanwhile.
    std::size_t room = static_cast<std::size_t>(status.st_size) + 1;
    for (std::size_t used = 0;; room = std::size_t{64} * 1024) {
        if (used > max_bytes || static_cast<std::uint64_t>(status.st_size) > max_bytes)
            return failed("is larger than " + bytes_to_text(max_bytes));
        content.text.resize(used + room);
        const ssize_t n = ::read(file.get(), content.text.data() + used, room);
        if (n < 0 && errno != EINTR)
            return failed_call();
        used += n > 0 ? static_cast<std::size_t>(n) : 0;
        content.text.resize(used);
        if (n == 0)
            return content;
    }
}

} // namespace smtpauth
