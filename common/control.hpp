// What may be asked of a running daemon, without I/O: a line of JSON is the request, a line of JSON the answer
// (docs/formats/control.md). Knows who may have something changed, and no command by name.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/json.hpp"

namespace smtpauth {

/// Of requests and answers.
inline constexpr int control_version = 1;

/// Octets of a request.
inline constexpr std::size_t max_control_request = std::size_t{64} * 1024;

/// Who asks, as the kernel saw it at connect().
struct ControlPeer {
    uid_t uid = static_cast<uid_t>(-1);
    std::vector<gid_t> groups;
};

/// Who may have something changed: root, the daemon's own user, the members of a group.
struct ControlAdministrators {
    uid_t own = 0;
    std::optional<gid_t> group;

    /// This process's user, and the group smtpauth-admin where it exists. Asks the system, which may block.
    static ControlAdministrators of_this_process();

    /// Never the overflow uid: it stands for everybody whom a user namespace cannot name.
    bool include(const ControlPeer& peer) const;
};

/// Why a request was not done.
struct ControlRefusal {
    std::string code; ///< a word for programs
    std::string text; ///< a sentence for people
};

/// What came of a request.
using ControlResult = std::variant<json::object, ControlRefusal>;

/// The line that asks for this, with its end.
std::string control_request(std::string_view command, json::object arguments = {});

/// The line that answers, with its end.
std::string control_answer(const ControlResult& result);

/// What an answer says. A line that is none is a refusal too, "malformed". @param line  without its end.
ControlResult parse_control_answer(std::string_view line);

/// The commands of one daemon. Not while another thread uses it.
class ControlCommands {
public:
    /// What a command does decides who may use it: everybody may look.
    enum class Effect { looks, changes };

    /// Gets the arguments of the request; must not block.
    using Command = std::function<ControlResult(const json::object& arguments)>;

    /// To be called once, at once or later.
    using Reply = std::function<void(ControlResult)>;

    /// The same of what takes its time: it replies when that is done.
    using Change = std::function<void(const json::object& arguments, const ControlPeer& peer, const Reply& reply)>;

    explicit ControlCommands(ControlAdministrators administrators) : administrators_(administrators) {}

    /// True where this peer may have something changed.
    bool may_change(const ControlPeer& peer) const { return administrators_.include(peer); }

    void add(std::string name, Effect effect, Command command);
    void add_change(std::string name, Change change);

    /// Does what the request asks. @param request  without its line end.
    /// @param done  called once, at once or later, with the answer and its line end.
    void answer(std::string_view request, const ControlPeer& peer, const std::function<void(std::string)>& done) const;

private:
    struct Entry {
        Effect effect;
        Change perform;
    };

    void perform(std::string_view request, const ControlPeer& peer, const Reply& reply) const;

    ControlAdministrators administrators_;
    std::map<std::string, Entry, std::less<>> commands_;
};

} // namespace smtpauth
