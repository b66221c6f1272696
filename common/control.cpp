#include "common/control.hpp"

#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "common/listening_socket.hpp"

namespace smtpauth {

namespace {

constexpr const char* administrators_group = "smtpauth-admin";

/// Characters of a foreign word that are repeated in an answer.
constexpr std::size_t longest_repeated = 64;

ControlRefusal malformed(std::string text)
{
    return {"malformed", std::move(text)};
}

std::string to_line(const json::object& object)
{
    return json::serialize(object) + '\n';
}

/// Nothing where the line is no JSON object.
std::optional<json::object> parse_object(std::string_view line)
{
    json::error_code error;
    json::value value = json::parse(json::string_view(line.data(), line.size()), error);
    if (error || !value.is_object())
        return std::nullopt;
    return std::move(value.get_object());
}

/// "" where there is no such string.
std::string_view text_of(const json::object& object, std::string_view name)
{
    const json::value* const value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

bool has_our_version(const json::object& object)
{
    const json::value* const version = object.if_contains("version");
    return version != nullptr && *version == control_version;
}

} // namespace

ControlAdministrators ControlAdministrators::of_this_process()
{
    std::vector<char> buffer(std::size_t{64} * 1024);
    ::group entry{};
    ::group* found = nullptr;
    ControlAdministrators administrators{::geteuid(), std::nullopt};
    if (::getgrnam_r(administrators_group, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
        administrators.group = found->gr_gid;
    return administrators;
}

bool ControlAdministrators::include(const ControlPeer& peer) const
{
    if (peer.uid == overflow_uid || peer.uid == static_cast<uid_t>(-1))
        return false;
    return peer.uid == 0 || peer.uid == own ||
           (group && std::find(peer.groups.begin(), peer.groups.end(), *group) != peer.groups.end());
}

std::string control_request(std::string_view command, json::object arguments)
{
    return to_line(
        {{"version", control_version}, {"command", json_text(command)}, {"arguments", std::move(arguments)}});
}

std::string control_answer(const ControlResult& result)
{
    if (const auto* done = std::get_if<json::object>(&result))
        return to_line({{"version", control_version}, {"result", *done}});
    const auto& refusal = std::get<ControlRefusal>(result);
    return to_line({{"version", control_version},
                    {"error", {{"code", json_text(refusal.code)}, {"text", json_text(refusal.text)}}}});
}

ControlResult parse_control_answer(std::string_view line)
{
    auto answer = parse_object(line);
    if (!answer || !has_our_version(*answer))
        return malformed(fmt::format("the answer is not one of version {}", control_version));
    if (json::value* const result = answer->if_contains("result"); result != nullptr && result->is_object())
        return std::move(result->get_object());
    const json::value* const error = answer->if_contains("error");
    if (error == nullptr || !error->is_object())
        return malformed("the answer has neither a result nor an error");
    const json::object& refusal = error->get_object();
    return ControlRefusal{std::string(text_of(refusal, "code")), std::string(text_of(refusal, "text"))};
}

void ControlCommands::add(std::string name, Effect effect, Command command)
{
    Change perform = [command = std::move(command)](const json::object& arguments, const ControlPeer&,
                                                    const Reply& reply) { reply(command(arguments)); };
    commands_.insert_or_assign(std::move(name), Entry{effect, std::move(perform)});
}

void ControlCommands::add_change(std::string name, Change change)
{
    commands_.insert_or_assign(std::move(name), Entry{Effect::changes, std::move(change)});
}

void ControlCommands::answer(std::string_view request, const ControlPeer& peer,
                             const std::function<void(std::string)>& done) const
{
    perform(request, peer, [done](const ControlResult& result) { done(control_answer(result)); });
}

void ControlCommands::perform(std::string_view request, const ControlPeer& peer, const Reply& reply) const
{
    if (request.size() > max_control_request)
        return reply(malformed(fmt::format("a request has at most {} octets", max_control_request)));
    const auto object = parse_object(request);
    if (!object)
        return reply(malformed("a request is one line with one JSON object"));
    if (!has_our_version(*object))
        return reply(ControlRefusal{"version", fmt::format("this daemon speaks version {}", control_version)});
    const json::value* const arguments = object->if_contains("arguments");
    if (arguments != nullptr && !arguments->is_object())
        return reply(malformed("\"arguments\" is no object"));

    const std::string_view name = text_of(*object, "command");
    const auto found = commands_.find(name);
    if (found == commands_.end())
        return reply(
            ControlRefusal{"unknown", fmt::format("there is no command \"{}\"", name.substr(0, longest_repeated))});
    if (found->second.effect == Effect::changes && !administrators_.include(peer))
        return reply(ControlRefusal{"denied", fmt::format("\"{}\" is for root, the daemon's own user and members of {}",
                                                          name, administrators_group)});
    found->second.perform(arguments != nullptr ? arguments->get_object() : json::object(), peer, reply);
}

} // namespace smtpauth
