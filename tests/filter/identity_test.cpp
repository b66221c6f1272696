#include "filter/identity.hpp"

#include <catch2/catch.hpp>

#include "tests/support/packets.hpp"

using namespace smtpauth;
using namespace smtpauth::test;

namespace {

const std::vector<Identity> both{Identity::auth_authen, Identity::cert_subject};

milter::MacroTable macro_table(std::initializer_list<std::string_view> helo,
                               std::initializer_list<std::string_view> mail)
{
    milter::MacroTable macros;
    macros.set('H', strings(helo));
    macros.begin(milter::Command::helo);
    macros.set('M', strings(mail));
    macros.begin(milter::Command::mail);
    return macros;
}

Account account(const milter::MacroTable& macros, const std::vector<Identity>& sources = both,
                IdNormalizer normalize = {})
{
    return find_account(macros, sources, normalize);
}

} // namespace

TEST_CASE("the login names the account", "[filter][identity]")
{
    CHECK(account(macro_table({}, {"{auth_authen}", "alice"})).id == "alice");
    CHECK(account(macro_table({}, {"auth_authen", "alice"})).id == "alice");
    CHECK(account(macro_table({}, {"{auth_authen}", "alice"})).raw.empty());
}

TEST_CASE("what was typed is kept where it differs", "[filter][identity]")
{
    const Account typed = account(macro_table({}, {"{auth_authen}", "Alice@Example.ORG"}));
    CHECK(typed.id == "alice@example.org");
    CHECK(typed.raw == "Alice@Example.ORG");

    const Account stripped = account(macro_table({}, {"{auth_authen}", "alice@example.org"}), both, {true, true});
    CHECK(stripped.id == "alice");
    CHECK(stripped.raw == "alice@example.org");
}

TEST_CASE("mail without login or certificate has no account", "[filter][identity]")
{
    CHECK(account(macro_table({}, {})).id.empty());
    CHECK(account(macro_table({}, {"{auth_author}", "alice", "{auth_type}", "PLAIN"})).id.empty());
    CHECK(account(macro_table({}, {"{auth_authen}", ""})).id.empty());
    CHECK(account(macro_table({"{cert_subject}", ""}, {})).id.empty());
}

TEST_CASE("the first source that has a value wins", "[filter][identity]")
{
    const auto macros = macro_table({"{cert_subject}", "/CN=relay"}, {"{auth_authen}", "alice"});
    CHECK(account(macros).id == "alice");
    CHECK(account(macros, {Identity::cert_subject, Identity::auth_authen}).id == "cert:/cn=relay");
    CHECK(account(macros, {Identity::cert_subject}).id == "cert:/cn=relay");
    CHECK(account(macros, {}).id.empty());
    CHECK(account(macro_table({"{cert_subject}", "/CN=relay"}, {})).id == "cert:/cn=relay");
}

TEST_CASE("a certificate counts unless the MTA says that it does not hold", "[filter][identity]")
{
    const auto [verify, id] = GENERATE(table<std::string, std::string>({
        {"OK", "cert:/cn=relay"},
        {"FAIL", ""},
        {"NO", ""},
        {"NONE", ""},
        {"", ""},
    }));
    CHECK(account(macro_table({"{cert_subject}", "/CN=relay", "{verify}", verify}, {})).id == id);
}
