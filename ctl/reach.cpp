#include "ctl/reach.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

namespace smtpauth {

namespace {

std::string user_name(uid_t uid)
{
    const passwd* const entry = ::getpwuid(uid);
    return entry ? entry->pw_name : std::to_string(uid);
}

std::string group_name(gid_t gid)
{
    const group* const entry = ::getgrgid(gid);
    return entry ? entry->gr_name : std::to_string(gid);
}

/// "drwxr-x--- root postfix", as ls shows it.
std::string mode_text(const struct stat& status)
{
    std::string text = S_ISDIR(status.st_mode) ? "d" : S_ISSOCK(status.st_mode) ? "s" : "-";
    constexpr std::string_view letters = "rwxrwxrwx";
    for (std::size_t at = 0; at < letters.size(); ++at)
        text += (status.st_mode & mode_t{0400} >> at) != 0 ? letters[at] : '-';
    return fmt::format("{} {} {}", text, user_name(status.st_uid), group_name(status.st_gid));
}

mode_t bit_of(Access access)
{
    switch (access) {
    case Access::read:
        return 4;
    case Access::write:
        return 2;
    case Access::pass:
        return 1;
    }
    return 0;
}

/// As the kernel decides it: the owner's bits for the owner, the group's for its members, else the others'.
bool may(const Person& person, const struct stat& status, Access access)
{
    if (person.uid == 0)
        return true;
    const mode_t bit = bit_of(access);
    if (person.uid == status.st_uid)
        return (status.st_mode >> 6 & bit) != 0;
    if (std::find(person.groups.begin(), person.groups.end(), status.st_gid) != person.groups.end())
        return (status.st_mode >> 3 & bit) != 0;
    return (status.st_mode & bit) != 0;
}

/// "/", "/run", "/run/x" of "/run/x/filter.sock".
std::vector<std::string> directories_above(const std::string& path)
{
    std::vector<std::string> found;
    for (std::filesystem::path at = std::filesystem::path(path).parent_path();; at = at.parent_path()) {
        found.push_back(at);
        if (at == at.parent_path())
            break;
    }
    std::reverse(found.begin(), found.end());
    return found;
}

Obstacle not_seen(const std::string& path)
{
    const int error = errno;
    return {path, std::generic_category().message(error), error == ENOENT || error == ENOTDIR, error == EACCES};
}

std::optional<Obstacle> find_obstacle_at(const Person& person, const std::string& path, Access access)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return not_seen(path);
    if (may(person, status, access))
        return std::nullopt;
    const char* const verb = access == Access::pass ? "pass" : access == Access::read ? "read" : "write";
    return Obstacle{path, fmt::format("{}: {} may not {}", mode_text(status), person.name, verb)};
}

std::optional<Obstacle> walk(const Person& person, const std::string& path, Access access)
{
    for (const std::string& directory : directories_above(path))
        if (auto obstacle = find_obstacle_at(person, directory, Access::pass))
            return obstacle;
    return find_obstacle_at(person, path, access);
}

} // namespace

std::optional<Person> find_person(const std::string& name)
{
    const passwd* const entry = ::getpwnam(name.c_str());
    if (entry == nullptr)
        return std::nullopt;
    Person person{name, entry->pw_uid, std::vector<gid_t>(64)};
    const gid_t own = entry->pw_gid;
    for (;;) {
        int count = static_cast<int>(person.groups.size());
        if (::getgrouplist(name.c_str(), own, person.groups.data(), &count) >= 0) {
            person.groups.resize(static_cast<std::size_t>(count));
            return person;
        }
        person.groups.resize(static_cast<std::size_t>(std::max(count, 1)) * 2);
    }
}

Person person_of(uid_t uid, gid_t group)
{
    if (const passwd* const entry = ::getpwuid(uid))
        if (auto person = find_person(entry->pw_name))
            return *person;
    return {std::to_string(uid), uid, {group}};
}

std::optional<Obstacle> find_obstacle(const Person& person, const std::string& path, Access access)
{
    if (auto obstacle = walk(person, path, access))
        return obstacle;
    // Through symbolic links another way is gone than the one that is written.
    std::error_code error;
    const std::string real = std::filesystem::canonical(path, error);
    return error || real == path ? std::nullopt : walk(person, real, access);
}

std::optional<Obstacle> find_loose_directory(const std::string& path)
{
    for (const std::string& directory : directories_above(path)) {
        struct stat status {};
        if (::stat(directory.c_str(), &status) != 0)
            return std::nullopt;
        if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
            return Obstacle{directory, mode_text(status)};
    }
    return std::nullopt;
}

} // namespace smtpauth
