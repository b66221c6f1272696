// Would somebody else reach a file or socket, through every directory above it? Asks the system about modes and groups,
// opens nothing. Access lists (ACL) and security modules are not known here.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace smtpauth {

struct Person {
    std::string name;
    uid_t uid = 0;
    std::vector<gid_t> groups; ///< all of them
};

/// A user of this machine with all groups; nothing where there is none of that name.
std::optional<Person> find_person(const std::string& name);

/// The same by number. A number without a name has no groups but `group`.
Person person_of(uid_t uid, gid_t group);

enum class Access { read, write, pass }; ///< pass: through a directory

/// What keeps a person from a path: the first directory, or the file itself, with owner, group and mode.
struct Obstacle {
    std::string path;
    std::string why; ///< "drwx------ root root: only its owner may pass"
    bool is_missing = false;
    bool is_unknown = false; ///< who asks may not look there
};

/// @param access  to what is at the end of the path; a socket takes writing.
/// @return  nothing: it is reached.
std::optional<Obstacle> find_obstacle(const Person& person, const std::string& path, Access access);

/// The first directory on the way to it that its group or others may write to: Sendmail refuses a socket below.
std::optional<Obstacle> find_loose_directory(const std::string& path);

} // namespace smtpauth
