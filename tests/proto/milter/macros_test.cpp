#include "proto/milter/macros.hpp"

#include <catch2/catch.hpp>

#include "tests/support/packets.hpp"

using namespace smtpauth::milter;
using namespace smtpauth::test;

namespace {

constexpr auto nothing = std::nullopt;

/// A table to which each stage has brought a macro of its own, "C" -> "c", and the shared macro "i".
MacroTable full_table()
{
    MacroTable table;
    for (const auto& [stage, name, value] : {std::tuple{Command::connect, "{c}", "connect"},
                                             {Command::helo, "{h}", "helo"},
                                             {Command::mail, "{m}", "mail"},
                                             {Command::rcpt, "{r}", "rcpt"},
                                             {Command::data, "{t}", "data"},
                                             {Command::end_of_headers, "{n}", "eoh"},
                                             {Command::end_of_message, "{e}", "eom"}}) {
        table.set(static_cast<char>(stage), strings({name, value, "i", value}));
        table.begin(stage);
    }
    return table;
}

/// Which of the seven stages' macros are known: "chmrtne".
std::string known(const MacroTable& table)
{
    std::string stages;
    for (const char stage : std::string_view("chmrtne"))
        if (table.find(std::string(1, stage)))
            stages.push_back(stage);
    return stages;
}

} // namespace

TEST_CASE("a macro is found from its stage on, the latest stage first", "[milter][macros]")
{
    MacroTable table;
    table.set('C', strings({"j", "mx.example.org", "i", "none yet"}));
    table.begin(Command::connect);
    CHECK(table.find("j") == "mx.example.org");

    table.set('M', strings({"{auth_authen}", "alice", "i", "4Qx1"}));
    table.begin(Command::mail);
    CHECK(table.find("{auth_authen}") == "alice");
    CHECK(table.find("i") == "4Qx1");
    CHECK(table.find("j") == "mx.example.org");
    CHECK(table.find("{auth_author}") == nothing);

    CHECK(known(full_table()) == "chmrtne");
    CHECK(full_table().find("i") == "eom");
}

TEST_CASE("a name is the same with and without braces", "[milter][macros]")
{
    MacroTable table;
    table.set('M', strings({"{i}", "4Qx1", "auth_authen", "alice", "{_}", "client"}));
    table.begin(Command::mail);
    CHECK(table.find("i") == "4Qx1");
    CHECK(table.find("{i}") == "4Qx1");
    CHECK(table.find("{auth_authen}") == "alice");
    CHECK(table.find("auth_authen") == "alice");
    CHECK(table.find("_") == "client");
    CHECK(table.find("auth_authe") == nothing);
    CHECK(table.find("") == nothing);
}

TEST_CASE("a value that looks like a name is not found as one", "[milter][macros]")
{
    MacroTable table;
    table.set('M', strings({"{auth_type}", "{auth_authen}", "{mail_addr}", "spammer"}));
    table.begin(Command::mail);
    CHECK(table.find("{auth_authen}") == nothing);
}

TEST_CASE("an empty value is a value", "[milter][macros]")
{
    MacroTable table;
    table.set('M', strings({"{auth_authen}", ""}));
    table.begin(Command::mail);
    CHECK(table.find("{auth_authen}") == "");
}

TEST_CASE("a macro packet replaces the set of its stage", "[milter][macros]")
{
    MacroTable table;
    table.set('M', strings({"{auth_authen}", "alice", "i", "4Qx1"}));
    table.set('M', strings({"{auth_type}", "PLAIN"}));
    table.begin(Command::mail);
    CHECK(table.find("{auth_type}") == "PLAIN");
    CHECK(table.find("{auth_authen}") == nothing);
    CHECK(table.find("i") == nothing);
}

TEST_CASE("an empty macro packet means that the stage has none now", "[milter][macros]")
{
    MacroTable table = full_table();
    table.set('M', "");
    table.begin(Command::mail);
    CHECK(table.find("{m}") == nothing);
}

TEST_CASE("a command without a macro packet has no macros", "[milter][macros]")
{
    MacroTable table;
    table.set('M', strings({"{auth_authen}", "alice"}));
    table.begin(Command::mail);
    table.begin(Command::mail); // the next message; no packet came
    CHECK(table.find("{auth_authen}") == nothing);
}

TEST_CASE("macros of a command that was not asked for are visible all the same", "[milter][macros]")
{
    MacroTable table;
    table.set('H', strings({"{cert_subject}", "/CN=alice"})); // HELO itself does not come
    table.set('M', strings({"{auth_authen}", "alice"}));
    table.begin(Command::mail);
    CHECK(table.find("{cert_subject}") == "/CN=alice");
    table.set('T', strings({"i", "4Qx1"})); // nor DATA
    CHECK(table.find("i") == "4Qx1");
}

TEST_CASE("when a stage begins, all later ones are forgotten", "[milter][macros]")
{
    const auto [stage, left] = GENERATE(table<Command, std::string>({
        {Command::connect, ""},
        {Command::helo, "c"},
        {Command::mail, "ch"},
        {Command::rcpt, "chm"},
        {Command::data, "chmr"},
        {Command::end_of_headers, "chmrt"},
        {Command::end_of_message, "chmrtn"},
    }));
    MacroTable table = full_table();
    table.begin(stage);
    CHECK(known(table) == left);
}

TEST_CASE("commands without macros of their own change nothing", "[milter][macros]")
{
    const auto command = GENERATE(Command::header, Command::body, Command::unknown);
    MacroTable table = full_table();
    table.begin(command);
    CHECK(known(table) == "chmrtne");
}

TEST_CASE("the end of a message forgets MAIL and later, the end of a session everything", "[milter][macros]")
{
    MacroTable table = full_table();
    table.end_message();
    CHECK(known(table) == "ch");
    table.clear();
    CHECK(known(table).empty());
}

TEST_CASE("macros sent before an ABORT do not become the next message's", "[milter][macros]")
{
    MacroTable table;
    table.set('M', strings({"{auth_authen}", "alice"}));
    table.end_message();
    table.begin(Command::mail);
    CHECK(table.find("{auth_authen}") == nothing);
}

TEST_CASE("sets of headers, body chunks, unknown commands and unknown stages are dropped", "[milter][macros]")
{
    const auto stage = GENERATE('L', 'B', 'U', 'O', 'Z', '\0');
    MacroTable table;
    table.set(stage, strings({"{auth_authen}", "mallory"}));
    CHECK(table.find("{auth_authen}") == nothing);
    CHECK(table.size_bytes() == 0);
}

TEST_CASE("the size of all sets is known, for a limit", "[milter][macros]")
{
    MacroTable table;
    table.set('C', strings({"j", "mx"}));
    table.set('M', strings({"i", "4Qx1"}));
    CHECK(table.size_bytes() == 5 + 7);
    table.set('M', "");
    CHECK(table.size_bytes() == 5);
}
