#include "ctl/check.hpp"

#include <filesystem>

#include <catch2/catch.hpp>

#include "ctl/addresses.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;

namespace {

using Strings = std::vector<std::string>;

CheckedConfig listening(const std::vector<SocketSpec>& listen)
{
    CheckedConfig config;
    config.filters.emplace_back().listen = listen;
    return config;
}

std::string word(CheckResult::Level level)
{
    return level == CheckResult::Level::ok ? "ok" : level == CheckResult::Level::warning ? "warning" : "error";
}

/// "level text" of each result for a Postfix that works in `queue`.
Strings postfix(const test::TempDirectory& directory, const CheckedConfig& config, const std::string& main_cf,
                const std::string& master_cf)
{
    directory.write("etc/main.cf", "mail_owner = root\nqueue_directory = " + directory.path() + "/queue\n" + main_cf);
    directory.write("etc/master.cf", master_cf);
    CheckResults results;
    CHECK(check_postfix(config, directory / "etc", true, results));
    Strings found;
    for (const CheckResult& result : results)
        found.push_back(word(result.level) + ' ' + result.text);
    return found;
}

constexpr const char* plain_smtpd = "smtp inet n - n - - smtpd\n";
constexpr const char* chrooted_smtpd = "smtp inet n - y - - smtpd\n";

} // namespace

TEST_CASE("a milter is this filter by the path that Postfix means", "[ctl][check]")
{
    const test::TempDirectory directory;
    const std::string socket = directory.write("queue/smtpauth/filter.sock", "");
    const CheckedConfig config = listening({UnixSocketSpec{socket}});
    const std::string relative = "smtpd_milters = unix:smtpauth/filter.sock\n";
    CHECK(postfix(directory, config, relative, plain_smtpd) == Strings{"ok root reaches " + socket});
    CHECK(postfix(directory, config, relative, chrooted_smtpd) == Strings{"ok root reaches " + socket + ", chrooted"});
    CHECK(postfix(directory, config, "smtpd_milters = unix:/smtpauth/filter.sock\n", chrooted_smtpd) ==
          Strings{"ok root reaches " + socket + ", chrooted"});
    CHECK(postfix(directory, config, "smtpd_milters = unix:" + socket + "\n", plain_smtpd) ==
          Strings{"ok root reaches " + socket});
    CHECK(postfix(directory, config, "smtpd_milters = unix:" + socket + "\n", chrooted_smtpd) ==
          Strings{"error this service is chrooted, so Postfix looks for " + directory.path() + "/queue" + socket +
                  ", where no filter listens"});
    CHECK(postfix(directory, config, "smtpd_milters = unix:other.sock\n", plain_smtpd) ==
          Strings{"error no smtpd of master.cf uses this filter"});
}

TEST_CASE("TCP needs no path; what happens while the filter is down is told", "[ctl][check]")
{
    const test::TempDirectory directory;
    const CheckedConfig config = listening({TcpSocketSpec{"127.0.0.1", 10025}});
    CHECK(postfix(directory, config, "smtpd_milters = { inet:127.0.0.1:10025, default_action=accept }\n",
                  chrooted_smtpd) ==
          Strings{"ok is this filter",
                  "warning default_action is accept: mail passes unfiltered and unlogged while the filter is down"});
    CHECK(postfix(directory, config, "smtpd_milters = inet:127.0.0.1:10025\nmilter_default_action = pass\n",
                  plain_smtpd)[1] == "error default_action is \"pass\"");
    CHECK(postfix(directory, config, "",
                  std::string(plain_smtpd) + "s inet n - y - - smtpd -o smtpd_sasl_auth_enable=yes\n"
                                             "  -o smtpd_milters=inet:127.0.0.1:10025\n") ==
          Strings{"ok is this filter"});
}

TEST_CASE("IPv6 stands behind inet: in brackets; Postfix has no other spelling", "[ctl][check]")
{
    const test::TempDirectory directory;
    const CheckedConfig config = listening({TcpSocketSpec{"::1", 10025, true}});
    CHECK(postfix(directory, config, "smtpd_milters = inet:[::1]:10025\n", plain_smtpd) ==
          Strings{"ok is this filter"});
    CHECK(postfix(directory, config, "smtpd_milters = inet6:[::1]:10025\n", plain_smtpd) ==
          Strings{"error Postfix knows no inet6:", "error no smtpd of master.cf uses this filter"});
}

TEST_CASE("who listens everywhere listens at each address of this machine, and at no other", "[ctl][check]")
{
    const test::TempDirectory directory;
    const Strings ours{"ok is this filter"};
    const Strings not_ours{"error no smtpd of master.cf uses this filter"};
    const CheckedConfig config = listening({TcpSocketSpec{"0.0.0.0", 10025}, TcpSocketSpec{"::", 10026, true}});
    CHECK(postfix(directory, config, "smtpd_milters = inet:127.0.0.1:10025\n", plain_smtpd) == ours);
    CHECK(postfix(directory, config, "smtpd_milters = inet:[::1]:10026\n", plain_smtpd) == ours);
    CHECK(postfix(directory, config, "smtpd_milters = inet:127.0.0.1:10026\n", plain_smtpd) == not_ours);
    CHECK(postfix(directory, config, "smtpd_milters = inet:192.0.2.1:10025\n", plain_smtpd) == not_ours);
}

TEST_CASE("symbolic links on the way are followed, inside the queue directory where Postfix is chrooted",
          "[ctl][check]")
{
    const test::TempDirectory directory;
    const std::string socket = directory.write("queue/run/filter.sock", "");
    std::filesystem::create_directory_symlink("/run", directory / "queue/var"); // outside: another place
    std::filesystem::create_directory_symlink(directory / "queue/run", directory / "link");
    const CheckedConfig config = listening({UnixSocketSpec{directory / "link/filter.sock"}});
    CHECK(postfix(directory, config, "smtpd_milters = unix:" + socket + "\n", plain_smtpd) ==
          Strings{"ok root reaches " + socket});
    CHECK(postfix(directory, config, "smtpd_milters = unix:/var/filter.sock\n", chrooted_smtpd) ==
          Strings{"ok root reaches " + socket + ", chrooted"});
    CHECK(postfix(directory, config, "smtpd_milters = unix:var/filter.sock\n", plain_smtpd) ==
          Strings{"error no smtpd of master.cf uses this filter"});
    CHECK(postfix_endpoint(config.filters[0].listen[0], directory / "queue") == "unix:run/filter.sock");

    const std::string file = directory.write("sendmail.cf", "Xsmtpauth, S=local:" + socket + ", F=T\n");
    CheckResults results;
    CHECK(check_sendmail(config, file, false, results));
    CHECK(results.at(0).text == "names this filter");
}

TEST_CASE("a link to itself ends", "[ctl][check]")
{
    const test::TempDirectory directory;
    std::filesystem::create_symlink("loop", directory / "loop");
    CHECK(resolved_path("/", directory / "loop/x") == directory / "loop/x");
    CHECK(resolved_path(directory.path(), "../../x") == directory / "x");
}

TEST_CASE("a directory is given away only where it is ours", "[ctl][check]")
{
    const test::TempDirectory directory;
    const Person nobody{"nobody", 65534, {65534}};
    const auto remedy = [&](const std::string& name, const char* shut) {
        std::filesystem::create_directories(directory / name);
        std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
        const auto all = [&](const char* which, unsigned mode) {
            std::filesystem::permissions(directory / which, std::filesystem::perms(mode));
        };
        all(shut, 0700);
        CheckResults results;
        check_directory("logs in", directory / name, nobody, 0, results);
        all(shut, 0755);
        REQUIRE(results.size() == 1);
        return results[0].remedy;
    };
    CHECK(remedy("a/log/smtpauth", "a/log/smtpauth") == "chown nobody " + (directory / "a/log/smtpauth"));
    CHECK(remedy("a/log/smtpauth", "a/log") == "chmod o+x " + (directory / "a/log"));
    CHECK(remedy("a/log", "a/log") ==
          "name a directory of its own, and make it: install -d -o nobody -m 750 " + (directory / "a/log/smtpauth"));
}

TEST_CASE("a Postfix that is not there is no mistake unless it was named", "[ctl][check]")
{
    const test::TempDirectory directory;
    CheckResults results;
    CHECK_FALSE(check_postfix(listening({}), directory / "none", false, results));
    CHECK(results.empty());
    CHECK(check_postfix(listening({}), directory / "none", true, results));
    CHECK(results.at(0).level == CheckResult::Level::error);
}

TEST_CASE("Sendmail must name the filter, and trusts no directory that others may write to", "[ctl][check]")
{
    const test::TempDirectory directory;
    const CheckedConfig config = listening({UnixSocketSpec{directory / "filter.sock"}});
    const std::string file = directory.write(
        "sendmail.cf", "# none\nXother, S=inet:1@127.0.0.1, F=T\nXsmtpauth, S=unix:" + (directory / "filter.sock") +
                           ", F=T, T=C:5s\n");
    CheckResults results;
    CHECK(check_sendmail(config, file, false, results));
    REQUIRE(results.size() == 2);
    CHECK(results[0].text == "names this filter");
    CHECK(results[1].text.starts_with("Sendmail refuses it, because others may write to a directory above: /tmp: "));

    results.clear();
    CHECK(check_sendmail(listening({}), file, false, results));
    CHECK(results[0].text == "no line X names a socket of this filter");
    results.clear();
    CHECK_FALSE(check_sendmail(config, directory / "none", false, results));
    CHECK(results.empty());
}

TEST_CASE("the lines for the MTA fit where the filter listens", "[ctl][check]")
{
    const auto lines = [](const std::vector<SocketSpec>& listen) {
        return suggested_lines(listening(listen).filters[0], "/var/spool/postfix");
    };
    const SuggestedLines both = lines({UnixSocketSpec{"/run/f.sock"}, UnixSocketSpec{"/var/spool/postfix/s/f.sock"}});
    CHECK(both.main_cf.starts_with("smtpd_milters = { unix:s/f.sock, connect_timeout=5s, "));
    CHECK(both.master_cf == "  -o { smtpd_milters = { unix:s/f.sock, connect_timeout=5s, command_timeout=10s, "
                            "content_timeout=60s, default_action=tempfail } }\n");
    CHECK_FALSE(both.only_unchrooted);
    CHECK(both.sendmail_mc.starts_with("INPUT_MAIL_FILTER(`smtpauth', `S=unix:/run/f.sock, F=T, "));

    const SuggestedLines absolute = lines({UnixSocketSpec{"/run/f.sock"}});
    CHECK(absolute.main_cf.starts_with("smtpd_milters = { unix:/run/f.sock, "));
    CHECK(absolute.master_cf.starts_with("  -o { smtpd_milters = { unix:/run/f.sock, "));
    CHECK(absolute.only_unchrooted);
    const std::string text = to_text(CheckResults(), absolute);
    CHECK(text.find("add this to the entries submission and submissions (or smtps) that you have:\n      -o { ") !=
          std::string::npos);
    CHECK(text.find("not chrooted") != std::string::npos);

    const SuggestedLines tcp = lines({TcpSocketSpec{"::1", 10025, true}});
    CHECK(tcp.main_cf.starts_with("smtpd_milters = { inet:[::1]:10025, "));
    CHECK(tcp.sendmail_mc.starts_with("INPUT_MAIL_FILTER(`smtpauth', `S=inet6:10025@::1, "));
    CHECK(lines({TcpSocketSpec{"0.0.0.0", 10025}}).main_cf.starts_with("smtpd_milters = { inet:127.0.0.1:10025, "));
}

TEST_CASE("what is wrong is followed by what to do", "[ctl][check]")
{
    const CheckResults results{{CheckResult::Level::ok, "a", "well", ""},
                               {CheckResult::Level::error, "b\x1b", "not well", "mend it"}};
    CHECK(to_text(results, {}) == "ok       a: well\n"
                                  "error    b\\x1b: not well\n"
                                  "         -> mend it\n");
    CHECK(json::serialize(to_json(results, {}).at("results")) ==
          R"([{"level":"ok","subject":"a","text":"well"},)"
          R"({"level":"error","subject":"b\u001b","text":"not well","remedy":"mend it"}])");
}
