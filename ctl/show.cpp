#include "ctl/show.hpp"

#include <chrono>
#include <string>

#include <fmt/format.h>

#include "common/control.hpp"
#include "common/units.hpp"
#include "ctl/command_line.hpp"
#include "ctl/filters.hpp"

namespace smtpauth {

namespace {

constexpr const char* help = R"(smtpauthctl show ID [--json] [-c FILE]

Shows what stands in each limit's window of the account now and when it will have cleared, from which networks and countries its
mail came, and whether it is blocked or on probation. Times are UTC.

  --json     the answers as JSON
  -c FILE    configuration, default {}
  --help     this text

Exit status: 0 all filters answered, 1 at least one did not, 64 wrong command line, 78 mistakes in the configuration.
)";

std::int64_t number(const json::object& object, std::string_view name)
{
    const json::value* const value = object.if_contains(name);
    return value && value->is_number() ? value->to_number<std::int64_t>() : 0;
}

std::string limit_text(const json::object& limit)
{
    const json::value* const most = limit.if_contains("limit");
    const std::string clears = printable_member(limit, "clears");
    const std::int64_t reserved = number(limit, "reserved");
    return fmt::format("  {}: {} {} in {} by this {}{}, {}{}\n", printable_member(limit, "rule"), number(limit, "used"),
                       printable_member(limit, "count"), to_text(std::chrono::seconds(number(limit, "window_s"))),
                       printable_member(limit, "per"), reserved == 0 ? "" : fmt::format(" and {} under way", reserved),
                       most && most->is_number() ? fmt::format("at most {}", number(limit, "limit")) : "no limit",
                       clears.empty() ? "" : "; clear at " + clears);
}

std::string in_country(const std::string& country)
{
    return country.empty() ? "" : " (" + country + ")";
}

std::string text(const json::object& answer)
{
    std::string text = printable_member(answer, "id") + '\n';
    if (const json::value* const block = answer.if_contains("block"); block && block->is_object())
        text +=
            fmt::format("  blocked until {} by {}: {}\n", printable_member(block->get_object(), "until"),
                        printable_member(block->get_object(), "by"), printable_member(block->get_object(), "reason"));
    if (const std::string until = printable_member(answer, "probation_until"); !until.empty())
        text += fmt::format("  on probation until {}\n", until);
    for (const json::object& limit : object_members(answer, "limits"))
        text += limit_text(limit);
    for (const json::object& network : object_members(answer, "networks"))
        text += fmt::format("  from {}{}, last at {}\n", printable_member(network, "network"),
                            in_country(printable_member(network, "country")), printable_member(network, "last"));
    return text;
}

} // namespace

int run_show(int argc, char** argv)
{
    const CommandLineOptions options = parse_command_line(argc, argv, {.help = help, .arguments = {"an account"}});
    if (options.exit)
        return *options.exit;
    return ask_filters(options, control_request("show", {{"id", json_text(options.arguments[0])}}), text);
}

} // namespace smtpauth
