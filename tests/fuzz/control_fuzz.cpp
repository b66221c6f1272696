// The control socket. Properties: whatever is asked, the answer is one line that a client can read; whatever comes as
// an answer, it is a result or a refusal; whatever octets there are, they make a JSON string.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "common/control.hpp"

namespace {

using namespace smtpauth;

void require(bool property)
{
    if (!property)
        std::abort();
}

/// Without the line's end.
std::string one_line(std::string text)
{
    require(text.ends_with('\n'));
    text.pop_back();
    require(std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
    return text;
}

/// Echoes its arguments, so that what came in has to go out again.
ControlCommands commands()
{
    ControlCommands commands({.own = 1000, .group = std::nullopt});
    const auto echo = [](const json::object& arguments) -> ControlResult { return arguments; };
    commands.add("status", ControlCommands::Effect::looks, echo);
    commands.add("change", ControlCommands::Effect::changes, echo);
    return commands;
}

std::string ask(const ControlCommands& daemon, std::string_view request, const ControlPeer& peer)
{
    int answers = 0;
    std::string answer;
    daemon.answer(request, peer, [&](std::string text) {
        answer = std::move(text);
        ++answers;
    });
    require(answers == 1);
    return answer;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    static const ControlCommands daemon = commands();
    for (const uid_t uid : {uid_t{0}, uid_t{1001}}) {
        const ControlResult answer = parse_control_answer(one_line(ask(daemon, input, {uid, {}})));
        if (const auto* refusal = std::get_if<ControlRefusal>(&answer))
            require(!refusal->text.starts_with("the answer"));
    }
    parse_control_answer(input);

    const std::string request = one_line(control_request("status", {{"x", json_text(input)}}));
    const ControlResult echoed = parse_control_answer(one_line(ask(daemon, request, {})));
    if (request.size() <= max_control_request)
        require(std::get<json::object>(echoed).at("x").as_string() == json_text(input));
    return 0;
}
