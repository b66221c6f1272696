#include "ctl/postfix_config.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;

namespace {

using Strings = std::vector<std::string>;

Strings endpoints(std::string_view value)
{
    Strings found;
    for (const PostfixMilter& milter : parse_milters(value))
        found.push_back(milter.endpoint);
    return found;
}

} // namespace

TEST_CASE("a line that begins with a blank goes on with the one before", "[ctl][postfix]")
{
    CHECK(logical_lines("a = 1\n# no\n  2\n\n   # no\n\t3\nb\r\n") == Strings{"a = 1 2 3", "b"});
    CHECK(logical_lines("").empty());
}

TEST_CASE("main.cf's values may name others", "[ctl][postfix]")
{
    const auto main =
        parse_main_cf("m = unix:a,\n  inet:127.0.0.1:1\nm2 = x\nm2 = ${m} $m2x ($(nobody))\nloop = $loop\n");
    CHECK(postfix_value("m2", main) == "unix:a, inet:127.0.0.1:1  ()");
    CHECK(postfix_value("loop", main).empty());
    CHECK(postfix_value("queue_directory", main) == "/var/spool/postfix");
    CHECK(postfix_value("m2", main, {{"m", "other"}}) == "other  ()");
    CHECK(postfix_value("none", main).empty());
}

TEST_CASE("master.cf's services have a chroot and options", "[ctl][postfix]")
{
    const auto services = parse_master_cf("smtp inet n - y - - smtpd\n"
                                          "submission inet n - - - - smtpd -v\n"
                                          "  -o smtpd_sasl_auth_enable=yes -omynetworks=127.0.0.1\n"
                                          "  -o { smtpd_milters = { unix:a/b.sock, connect_timeout=5s } }\n"
                                          "cleanup unix n - n - 0 cleanup -o\n"
                                          "short line\n",
                                          true);
    REQUIRE(services.size() == 3);
    CHECK(services[0].chrooted);
    CHECK(services[1].chrooted);
    CHECK(services[1].name == "submission");
    CHECK(services[1].overrides == PostfixParameters{{"mynetworks", "127.0.0.1"},
                                                     {"smtpd_milters", "{ unix:a/b.sock, connect_timeout=5s }"},
                                                     {"smtpd_sasl_auth_enable", "yes"}});
    CHECK_FALSE(services[2].chrooted);
    CHECK(services[2].overrides.empty());
    CHECK_FALSE(parse_master_cf("a inet n - - - - smtpd", false)[0].chrooted);
}

TEST_CASE("milters stand between commas and blanks, options in braces", "[ctl][postfix]")
{
    CHECK(endpoints("unix:a, inet:h:1  unix:b") == Strings{"unix:a", "inet:h:1", "unix:b"});
    CHECK(endpoints("").empty());
    const auto milters = parse_milters("{ unix:a, default_action=accept, connect_timeout=5s }, unix:b");
    REQUIRE(milters.size() == 2);
    CHECK(milters[0].endpoint == "unix:a");
    CHECK(milters[0].options == PostfixParameters{{"connect_timeout", "5s"}, {"default_action", "accept"}});
    CHECK(milters[1].options.empty());
    CHECK(endpoints("{ unix:a").size() == 1);
}
