// What the parts of a message cost, one by one: Google Benchmark over decoders, codecs, lists and log lines.
//
//     micro [--benchmark_filter=REGEX] [...]
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "collector/stats_log/line.hpp"
#include "common/id_list.hpp"
#include "common/ip_network.hpp"
#include "filter/policy/risk_check.hpp"
#include "filter/policy/risk_state.hpp"
#include "proto/event/codec.hpp"
#include "proto/event/frame.hpp"
#include "proto/event/frame_decoder.hpp"
#include "proto/journal/frame.hpp"
#include "proto/ltsv/ltsv.hpp"
#include "proto/milter/command.hpp"
#include "proto/milter/packet_decoder.hpp"
#include "tests/bench/sample_mail.hpp"
#include "tests/support/records.hpp"
#include "tests/support/test_site.hpp"

namespace smtpauth::bench {

namespace {

constexpr std::uint64_t journal_id = 0x1122334455667788;

void items(benchmark::State& state, std::size_t each = 1)
{
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(each));
}

/// What a filter reads of one message: an item is a packet.
void milter_packets(benchmark::State& state)
{
    test::TestSite site;
    Conversation filter(site.site(), site.size_source());
    std::string bytes;
    for (const std::string& read : sample_conversation(filter, 1, MessageShape(1, 4096)))
        bytes += read;
    std::size_t packets = 0;
    for (auto _ : state) {
        milter::PacketDecoder decoder;
        decoder.feed(bytes);
        packets = 0;
        while (const auto packet = decoder.next()) {
            benchmark::DoNotOptimize(milter::parse_command(*packet));
            ++packets;
        }
    }
    items(state, packets);
}

/// A whole message without its sockets: commands, checks, record, answers.
void conversation(benchmark::State& state)
{
    FilterConfig config;
    config.message_size = MessageSize::off;
    test::TestSite site(config);
    constexpr int messages = 10;
    std::vector<std::string> reads;
    {
        Conversation filter(site.site(), site.size_source());
        reads = sample_conversation(filter, messages,
                                    MessageShape(static_cast<std::size_t>(state.range(0)), std::size_t{0}));
    }
    for (auto _ : state) {
        Conversation filter(site.site(), site.size_source());
        for (const std::string& read : reads) {
            filter.receive(read);
            while (std::holds_alternative<Conversation::Commit>(filter.next()))
                filter.committed();
            filter.output().clear();
        }
    }
    items(state, messages);
}

void record_encode(benchmark::State& state)
{
    const event::Record record = test::message();
    std::string out;
    for (auto _ : state) {
        out.clear();
        encode(record, out);
        benchmark::DoNotOptimize(out.data());
    }
    items(state);
}

void record_decode(benchmark::State& state)
{
    const std::string bytes = test::encoded(test::message());
    for (auto _ : state)
        benchmark::DoNotOptimize(event::decode(bytes));
    items(state);
}

void event_frame_decode(benchmark::State& state)
{
    std::string bytes;
    event::append_record_frame(bytes, 1, test::encoded(test::message()));
    for (auto _ : state) {
        event::FrameDecoder decoder;
        decoder.feed(bytes);
        benchmark::DoNotOptimize(decoder.next());
    }
    items(state);
}

void journal_frame_write(benchmark::State& state)
{
    const std::string record = test::encoded(test::message());
    std::string out;
    for (auto _ : state) {
        out.clear();
        const std::size_t begin = journal::begin_frame(out);
        out += record;
        journal::end_frame(out, begin, journal_id, 2, 1);
        benchmark::DoNotOptimize(out.data());
    }
    items(state);
}

void journal_frame_read(benchmark::State& state)
{
    std::string bytes;
    const std::size_t begin = journal::begin_frame(bytes);
    bytes += test::encoded(test::message());
    journal::end_frame(bytes, begin, journal_id, 2, 1);
    for (auto _ : state)
        benchmark::DoNotOptimize(journal::read_frame(bytes, journal_id));
    items(state);
}

std::string list_of(std::int64_t ids)
{
    std::string text;
    for (std::int64_t id = 0; id < ids; ++id)
        text += "refused-" + std::to_string(id) + "@example.com\n";
    return text;
}

void id_list_parse(benchmark::State& state)
{
    const std::string text = list_of(state.range(0));
    std::size_t held = 0;
    for (auto _ : state) {
        const IdList list = IdList::parse(text, {});
        held = list.size_bytes();
    }
    items(state, static_cast<std::size_t>(state.range(0)));
    state.counters["bytes_held"] = static_cast<double>(held);
}

/// @param prefix  of the ids that are looked up: "refused-" is on the list.
void id_list_look_up(benchmark::State& state, std::string_view prefix)
{
    const IdList list = IdList::parse(list_of(state.range(0)), {});
    constexpr std::size_t asked = 4096; // far apart, so that the processor's caches hold as little as with real mail
    std::vector<std::string> ids;
    for (std::size_t at = 0; at < asked; ++at)
        ids.push_back(std::string(prefix) + std::to_string(at * 7919 * 31 % static_cast<std::size_t>(state.range(0))) +
                      "@example.com");
    std::size_t at = 0;
    for (auto _ : state)
        benchmark::DoNotOptimize(list.contains(ids[at++ % asked]));
    items(state);
}

/// The last of the networks that may connect.
void ip_networks(benchmark::State& state)
{
    std::vector<IpNetwork> networks;
    for (std::int64_t at = 0; at < state.range(0); ++at)
        networks.push_back(*IpNetwork::parse("10." + std::to_string(at) + ".0.0/16"));
    const IpAddress address = *IpAddress::parse("10." + std::to_string(state.range(0) - 1) + ".2.1");
    for (auto _ : state)
        benchmark::DoNotOptimize(std::any_of(networks.begin(), networks.end(), [&address](const IpNetwork& network) {
            return network.contains(address);
        }));
    items(state);
}

void ltsv_escape(benchmark::State& state)
{
    const std::string value = "J\xc3\xb6rg M\xc3\xbcller <joerg@example.org>\t(a tab)";
    std::string out;
    for (auto _ : state) {
        out.clear();
        ltsv::append_escaped(out, value);
        benchmark::DoNotOptimize(out.data());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(value.size()));
}

void stats_log_line(benchmark::State& state)
{
    const event::Record record = test::message();
    std::string out;
    for (auto _ : state) {
        out.clear();
        append_line(out, record, {journal_id, 42}, LogRecipients::full);
        benchmark::DoNotOptimize(out.data());
    }
    items(state);
}

/// The risk budget's part of a message: judged, then learned from. Accounts in an order that no cache foresees.
void risk_budget(benchmark::State& state)
{
    const auto accounts = static_cast<std::uint64_t>(state.range(0));
    RiskState habits;
    const RiskCheck check(habits, {});
    event::Record mail = test::message();
    std::uint64_t number = 0;
    const auto next = [&] {
        mail.auth_id = "user" + std::to_string(++number * 7919 % accounts) + "@example.org";
        mail.eom_time += std::chrono::milliseconds(100);
    };
    for (std::uint64_t made = 0; made < accounts; ++made) {
        next();
        habits.apply(mail);
    }
    for (auto _ : state) {
        next();
        benchmark::DoNotOptimize(check.at_end_of_message(mail));
        habits.apply(mail);
    }
    items(state);
}

BENCHMARK(milter_packets);
BENCHMARK(conversation)->ArgName("recipients")->Arg(1)->Arg(100);
BENCHMARK(record_encode);
BENCHMARK(record_decode);
BENCHMARK(event_frame_decode);
BENCHMARK(journal_frame_write);
BENCHMARK(journal_frame_read);
BENCHMARK(id_list_parse)->ArgName("ids")->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(id_list_look_up, listed, "refused-")->ArgName("ids")->Arg(100'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(id_list_look_up, unlisted, "user-")->ArgName("ids")->Arg(100'000)->Arg(1'000'000);
BENCHMARK(ip_networks)->ArgName("networks")->Arg(1)->Arg(16);
BENCHMARK(ltsv_escape);
BENCHMARK(stats_log_line);
BENCHMARK(risk_budget)->ArgName("accounts")->Arg(1'000)->Arg(100'000);

} // namespace

} // namespace smtpauth::bench

BENCHMARK_MAIN();
