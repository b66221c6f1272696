#include "common/control.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>

using namespace smtpauth;

namespace {

constexpr gid_t admins = 4711;

struct Fixture {
    Fixture()
    {
        commands.add("status", ControlCommands::Effect::looks, [](const json::object&) -> ControlResult {
            return json::object{{"uptime_s", 7}};
        });
        commands.add("block", ControlCommands::Effect::changes, [this](const json::object& arguments) -> ControlResult {
            ++blocked;
            if (!arguments.contains("id"))
                return ControlRefusal{"failed", "no id"};
            return json::object{{"id", arguments.at("id")}};
        });
    }

    std::string ask(std::string_view request, uid_t uid = 0, std::vector<gid_t> groups = {})
    {
        std::string answer;
        commands.answer(request, {uid, std::move(groups)}, [&](std::string text) { answer = std::move(text); });
        return answer;
    }

    std::string code_of(std::string_view request, uid_t uid = 0, std::vector<gid_t> groups = {})
    {
        std::string line = ask(request, uid, std::move(groups));
        REQUIRE(line.ends_with('\n'));
        line.pop_back();
        const ControlResult result = parse_control_answer(line);
        const auto* const refusal = std::get_if<ControlRefusal>(&result);
        return refusal != nullptr ? refusal->code : "done";
    }

    ControlCommands commands{{.own = 1000, .group = admins}};
    int blocked = 0;
};

constexpr auto block = R"({"version":1,"command":"block","arguments":{"id":"eve"}})";

} // namespace

TEST_CASE("a request is a line of JSON, and so is its answer", "[common][control]")
{
    Fixture fixture;
    CHECK(fixture.ask(R"({"version":1,"command":"status"})") == "{\"version\":1,\"result\":{\"uptime_s\":7}}\n");
    CHECK(fixture.ask(block) == "{\"version\":1,\"result\":{\"id\":\"eve\"}}\n");
    CHECK(fixture.ask(R"({"version":1,"command":"block"})") ==
          "{\"version\":1,\"error\":{\"code\":\"failed\",\"text\":\"no id\"}}\n");
}

TEST_CASE("a request that is none is refused with the reason", "[common][control]")
{
    Fixture fixture;
    CHECK(fixture.code_of("") == "malformed");
    CHECK(fixture.code_of("status") == "malformed");
    CHECK(fixture.code_of("[1]") == "malformed");
    CHECK(fixture.code_of(R"({"version":1,"command":"status"} x)") == "malformed");
    CHECK(fixture.code_of(std::string(1000, '[')) == "malformed");
    CHECK(fixture.code_of("{\"version\":1,\"command\":\"\xff\"}") == "malformed");
    CHECK(fixture.code_of(R"({"version":1,"command":"status","arguments":[]})") == "malformed");
    CHECK(fixture.code_of(std::string(max_control_request + 1, ' ')) == "malformed");
    CHECK(fixture.code_of(R"({"command":"status"})") == "version");
    CHECK(fixture.code_of(R"({"version":2,"command":"status"})") == "version");
    CHECK(fixture.code_of(R"({"version":1})") == "unknown");
    CHECK(fixture.code_of(R"({"version":1,"command":7})") == "unknown");
    CHECK(fixture.code_of(R"({"version":1,"command":"frobnicate"})") == "unknown");
}

TEST_CASE("an unknown command cannot make a line of its own", "[common][control]")
{
    Fixture fixture;
    const std::string answer = fixture.ask(R"({"version":1,"command":"a\n\u001b[31m"})");
    CHECK(answer.find('\n') == answer.size() - 1);
    CHECK(answer.find('\x1b') == std::string::npos);
}

TEST_CASE("who may have something changed", "[common][control]")
{
    Fixture fixture;
    CHECK(fixture.code_of(block, 0) == "done");
    CHECK(fixture.code_of(block, 1000) == "done");
    CHECK(fixture.code_of(block, 1001, {100, admins}) == "done");
    CHECK(fixture.blocked == 3);
}

TEST_CASE("others may only look", "[common][control]")
{
    Fixture fixture;
    CHECK(fixture.code_of(block, 1001) == "denied");
    CHECK(fixture.code_of(block, 1001, {0, 100}) == "denied");
    CHECK(fixture.code_of(block, static_cast<uid_t>(-1), {admins}) == "denied");
    CHECK(fixture.blocked == 0);
    CHECK(fixture.code_of(R"({"version":1,"command":"status"})", 1001) == "done");
}

TEST_CASE("the overflow uid changes nothing, whatever the daemon runs as", "[common][control]")
{
    constexpr uid_t overflow = 65534;
    const ControlAdministrators administrators{.own = overflow, .group = admins};
    CHECK_FALSE(administrators.include({overflow, {admins}}));
}

TEST_CASE("without the group there are no members of it", "[common][control]")
{
    const ControlAdministrators administrators{.own = 1000, .group = std::nullopt};
    CHECK_FALSE(administrators.include({1001, {0, admins}}));
}

TEST_CASE("this process's administrators include its own user", "[common][control]")
{
    CHECK(ControlAdministrators::of_this_process().own == ::geteuid());
}

TEST_CASE("what a client asks and reads is what a daemon reads and answers", "[common][control]")
{
    Fixture fixture;
    std::string request = control_request("block", {{"id", json_text("b\xff\n")}});
    REQUIRE(request.find('\n') == request.size() - 1);
    request.pop_back();
    std::string answer = fixture.ask(request);
    answer.pop_back();
    const ControlResult result = parse_control_answer(answer);
    REQUIRE(std::holds_alternative<json::object>(result));
    CHECK(std::get<json::object>(result).at("id").as_string() == "b\\xff\n");
}

TEST_CASE("an answer that is none is malformed", "[common][control]")
{
    for (const char* line : {"", "{}", "nonsense", R"({"version":2,"result":{}})", R"({"version":1})",
                             R"({"version":1,"result":3})", R"({"version":1,"error":"no"})"}) {
        CAPTURE(line);
        const ControlResult result = parse_control_answer(line);
        REQUIRE(std::holds_alternative<ControlRefusal>(result));
        CHECK(std::get<ControlRefusal>(result).code == "malformed");
    }
}
