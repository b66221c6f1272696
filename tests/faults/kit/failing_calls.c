// Preloaded into a daemon: makes one kind of file call fail there, or come late. failing_calls.py sets the environment:
//
//     FAILING_CALL    the call's name, such as "pwrite"
//     FAILING_BELOW   calls count whose file's path begins so
//     FAILING_NUMBER  the first of them that fails, from 1
//     FAILING_FOR     so do all behind it, for so many milliseconds
//     FAILING_HOW     "EIO", "ENOSPC", "EINTR", "short" (half of the octets), or the seconds that it takes longer
//     FAILING_REPORT  a file: calls count once it is there. The first failure is written into it
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REAL(call) (__extension__(__typeof__(&(call))) dlsym(RTLD_NEXT, #call))

/// The same call by another name: off_t has 64 bits in any case.
#define ALSO(call, name) extern __typeof__(call) also_##name __asm__(#name) __attribute__((alias(#call)))

enum fate { passes, fails, is_short };

static const char* failing_call = "";
static const char* below;
static const char* how;
static const char* report_file;
static unsigned long number;
static long lasts;
static atomic_ulong calls;
static atomic_long end; ///< of the failing

__attribute__((constructor)) static void read_environment(void)
{
    below = getenv("FAILING_BELOW");
    how = getenv("FAILING_HOW");
    report_file = getenv("FAILING_REPORT");
    const char* const first = getenv("FAILING_NUMBER");
    const char* const milliseconds = getenv("FAILING_FOR");
    const char* const call = getenv("FAILING_CALL");
    if (!below || !how || !report_file || !first || !milliseconds || !call)
        return;
    number = strtoul(first, NULL, 10);
    lasts = strtol(milliseconds, NULL, 10);
    failing_call = call;
}

static long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void report(const char* path)
{
    const int fd = REAL(open)(report_file, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return;
    dprintf(fd, "%s %lu of %s: %s\n", failing_call, number, path, how);
    close(fd);
}

/// Counts the call.
static bool is_struck(const char* path)
{
    if (access(report_file, F_OK) != 0)
        return false;
    const unsigned long count = ++calls;
    if (count == number) {
        report(path);
        end = now() + lasts;
    }
    return count == number || (count > number && now() < end);
}

static enum fate failure(void)
{
    if (strcmp(how, "short") == 0)
        return is_short;
    const unsigned seconds = (unsigned)strtoul(how, NULL, 10);
    if (seconds != 0) {
        sleep(seconds);
        return passes;
    }
    errno = strcmp(how, "EIO") == 0 ? EIO : strcmp(how, "ENOSPC") == 0 ? ENOSPC : EINTR;
    return fails;
}

/// What becomes of this call. Keeps errno unless it fails.
static enum fate fate_of(const char* call, const char* path)
{
    if (strcmp(call, failing_call) != 0 || strncmp(path, below, strlen(below)) != 0)
        return passes;
    const int error = errno;
    const bool struck = is_struck(path);
    errno = error;
    return struck ? failure() : passes;
}

static enum fate fate_of_fd(const char* call, int fd)
{
    if (strcmp(call, failing_call) != 0)
        return passes;
    const int error = errno;
    char link[32];
    char path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t size = readlink(link, path, sizeof path - 1);
    path[size < 0 ? 0 : size] = '\0';
    errno = error;
    return fate_of(call, path);
}

static size_t octets(enum fate fate, size_t size)
{
    return fate == is_short && size > 1 ? size / 2 : size;
}

int open(const char* path, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {
        va_list more;
        va_start(more, flags);
        mode = va_arg(more, mode_t);
        va_end(more);
    }
    return fate_of("open", path) == fails ? -1 : REAL(open)(path, flags, mode);
}
ALSO(open, open64);

/// What _FORTIFY_SOURCE makes of open() with two arguments.
int open_without_mode(const char* path, int flags);
int open_without_mode(const char* path, int flags)
{
    return open(path, flags);
}
ALSO(open_without_mode, __open_2);
ALSO(open_without_mode, __open64_2);

ssize_t read(int fd, void* to, size_t size)
{
    const enum fate fate = fate_of_fd("read", fd);
    return fate == fails ? -1 : REAL(read)(fd, to, octets(fate, size));
}

ssize_t pread(int fd, void* to, size_t size, off_t offset)
{
    const enum fate fate = fate_of_fd("pread", fd);
    return fate == fails ? -1 : REAL(pread)(fd, to, octets(fate, size), offset);
}
ALSO(pread, pread64);

ssize_t write(int fd, const void* from, size_t size)
{
    const enum fate fate = fate_of_fd("write", fd);
    return fate == fails ? -1 : REAL(write)(fd, from, octets(fate, size));
}

ssize_t pwrite(int fd, const void* from, size_t size, off_t offset)
{
    const enum fate fate = fate_of_fd("pwrite", fd);
    return fate == fails ? -1 : REAL(pwrite)(fd, from, octets(fate, size), offset);
}
ALSO(pwrite, pwrite64);

int fdatasync(int fd)
{
    return fate_of_fd("fdatasync", fd) == fails ? -1 : REAL(fdatasync)(fd);
}

int fsync(int fd)
{
    return fate_of_fd("fsync", fd) == fails ? -1 : REAL(fsync)(fd);
}

int ftruncate(int fd, off_t size)
{
    return fate_of_fd("ftruncate", fd) == fails ? -1 : REAL(ftruncate)(fd, size);
}
ALSO(ftruncate, ftruncate64);

int fchmod(int fd, mode_t mode)
{
    return fate_of_fd("fchmod", fd) == fails ? -1 : REAL(fchmod)(fd, mode);
}

int flock(int fd, int operation)
{
    return fate_of_fd("flock", fd) == fails ? -1 : REAL(flock)(fd, operation);
}

int fstat(int fd, struct stat* status)
{
    return fate_of_fd("fstat", fd) == fails ? -1 : REAL(fstat)(fd, status);
}
ALSO(fstat, fstat64);

int stat(const char* path, struct stat* status)
{
    return fate_of("stat", path) == fails ? -1 : REAL(stat)(path, status);
}
ALSO(stat, stat64);

int lstat(const char* path, struct stat* status)
{
    return fate_of("lstat", path) == fails ? -1 : REAL(lstat)(path, status);
}
ALSO(lstat, lstat64);

int mkdir(const char* path, mode_t mode)
{
    return fate_of("mkdir", path) == fails ? -1 : REAL(mkdir)(path, mode);
}

int rename(const char* from, const char* to)
{
    return fate_of("rename", from) == fails ? -1 : REAL(rename)(from, to);
}

int renameat2(int from_directory, const char* from, int to_directory, const char* to, unsigned flags)
{
    return fate_of("renameat2", from) == fails ? -1 : REAL(renameat2)(from_directory, from, to_directory, to, flags);
}

int unlink(const char* path)
{
    return fate_of("unlink", path) == fails ? -1 : REAL(unlink)(path);
}

DIR* opendir(const char* path)
{
    return fate_of("opendir", path) == fails ? NULL : REAL(opendir)(path);
}

struct dirent* readdir(DIR* directory)
{
    return fate_of_fd("readdir", dirfd(directory)) == fails ? NULL : REAL(readdir)(directory);
}
ALSO(readdir, readdir64);
