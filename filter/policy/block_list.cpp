#include "filter/policy/block_list.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "proto/ltsv/ltsv.hpp"

namespace smtpauth {

namespace {

std::string milliseconds(event::Time time)
{
    return std::to_string(time.time_since_epoch().count());
}

std::optional<event::Time> parse_milliseconds(std::string_view text)
{
    event::Milliseconds::rep count = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, count);
    if (error != std::errc{} || stop != end)
        return std::nullopt;
    return event::Time(event::Milliseconds(count));
}

/// One line as it is read.
struct Line {
    std::string auth_id;
    Block block;
    std::optional<event::Time> probation;
    unsigned automatic = 0;
    bool is_block = false;
};

/// @return  what is wrong with the field, "" where nothing is.
std::string take(Line& line, const std::string& label, const std::string& value)
{
    const auto time = [&](event::Time& to) -> std::string {
        const auto found = parse_milliseconds(value);
        to = found.value_or(event::Time{});
        return found ? "" : label + ": expected milliseconds since 1970";
    };
    if (label == "auth_id")
        line.auth_id = value;
    else if (label == "from")
        return time(line.block.from);
    else if (label == "until")
        return line.is_block = true, time(line.block.until);
    else if (label == "by")
        line.block.by = value;
    else if (label == "reason")
        line.block.reason = value;
    else if (label == "automatic")
        return std::from_chars(value.data(), value.data() + value.size(), line.automatic).ec == std::errc{}
                   ? ""
                   : label + ": expected a number";
    else if (label == "probation")
        return time(line.probation.emplace());
    return "";
}

/// @return  what is wrong, "" where nothing is.
std::string parse(std::string_view text, Line& line)
{
    const auto read = ltsv::read_line(text);
    if (const auto* bad = std::get_if<ltsv::Malformed>(&read))
        return bad->error;
    for (const auto& [label, value] : std::get<ltsv::Fields>(read))
        if (auto error = take(line, label, value); !error.empty())
            return error;
    return line.auth_id.empty() ? "no auth_id" : "";
}

/// Over for a month.
bool is_forgotten(const BlockList::State& state, event::Time now)
{
    constexpr event::Milliseconds month = std::chrono::hours(24 * 31);
    return (!state.block || state.block->until + month <= now) && (!state.probation || *state.probation + month <= now);
}

} // namespace

void BlockList::apply(const event::Record& record)
{
    if (record.auth_id.empty())
        return;
    if (record.type == event::RecordType::block && record.until != event::Time{}) {
        State& state = states_[record.auth_id];
        if (is_forgotten(state, record.eom_time))
            state = {};
        state.automatic += record.rule == by_administrator ? 0U : 1U;
        state.block = Block{record.eom_time, record.until, record.rule, record.reason};
        state.probation.reset();
    } else if (record.type == event::RecordType::unblock) {
        State& state = states_[record.auth_id];
        state.block.reset();
        state.probation = record.until;
    }
}

const Block* BlockList::find(std::string_view auth_id, event::Time now) const
{
    const auto found = states_.find(auth_id);
    return found != states_.end() && found->second.block && now < found->second.block->until ? &*found->second.block
                                                                                             : nullptr;
}

std::optional<event::Time> BlockList::probation(std::string_view auth_id, event::Time now) const
{
    const auto found = states_.find(auth_id);
    return found != states_.end() && found->second.probation && now < *found->second.probation ? found->second.probation
                                                                                               : std::nullopt;
}

const Block* BlockList::last(std::string_view auth_id) const
{
    const auto found = states_.find(auth_id);
    return found != states_.end() && found->second.block ? &*found->second.block : nullptr;
}

unsigned BlockList::repeats(std::string_view auth_id, event::Time now) const
{
    const auto found = states_.find(auth_id);
    return found == states_.end() || is_forgotten(found->second, now) ? 0 : found->second.automatic;
}

std::size_t BlockList::automatic_since(event::Time time, event::Time now) const
{
    return static_cast<std::size_t>(std::count_if(states_.begin(), states_.end(), [&](const auto& entry) {
        const auto& block = entry.second.block;
        return block && block->by != by_administrator && block->from >= time && block->from <= now;
    }));
}

void BlockList::forget_past(event::Time now)
{
    std::erase_if(states_, [&](const auto& entry) { return is_forgotten(entry.second, now); });
}

std::string BlockList::to_text() const
{
    std::string text;
    for (const auto& [auth_id, state] : states_) {
        ltsv::LineWriter line(text);
        line.field("auth_id", auth_id);
        if (state.block) {
            line.field("from", milliseconds(state.block->from));
            line.field("until", milliseconds(state.block->until));
            line.field("by", state.block->by);
            line.field("reason", state.block->reason);
        }
        if (state.probation)
            line.field("probation", milliseconds(*state.probation));
        if (state.automatic != 0)
            line.field("automatic", std::to_string(state.automatic));
        line.end();
    }
    return text;
}

std::vector<std::string> BlockList::from_text(std::string_view text)
{
    states_.clear();
    std::vector<std::string> errors;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
        Line line;
        if (const std::string error = parse(text.substr(0, end), line); !error.empty())
            errors.push_back("line " + std::to_string(number) + ": " + error);
        else
            states_[line.auth_id] = {line.is_block ? std::optional(std::move(line.block)) : std::nullopt,
                                     line.probation, line.automatic};
        text.remove_prefix(end);
    }
    return errors;
}

} // namespace smtpauth
