// Loads a running filter by its UNIX socket, in the MTA's role, and says what became of each message.
//
//     load [--connections N] [--pause-sessions N] [--idle-connections N] [--messages-per-connection N]
//          [--recipients N] [--body BYTES] [--ids N] [--choice uniform|zipf] [--refused-share F] [--seed N]
//          [--rate MESSAGES_A_SECOND] [--seconds S] [--messages N] [--prefix TEXT] [--answers FILE] [--watch-pid PID]
//          SOCKET
//
// load_options.hpp tells what each means. Ends after --seconds or --messages, or by TERM, and prints one line of JSON.
// Each line of the answers file is one message:
//
//     QUEUE_ID accept|continue|reject|tempfail|broken MILLISECONDS [paused]
//
// The envelope sender is QUEUE_ID@example.com. "broken": the connection was lost before the answer. Milliseconds are
// those of the answer that ended the message. "paused": of --pause-sessions.
//
// Exit status: 0 it ran, whatever the answers were, 1 it could not, 64 bad usage.
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>

#include "tests/bench/load_options.hpp"
#include "tests/bench/load_run.hpp"
#include "tests/bench/tally.hpp"
#include "tests/bench/watched_process.hpp"

namespace {

using namespace smtpauth::bench;

void raise_open_files_limit()
{
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

void stop_by_signals()
{
    struct sigaction action {};
    action.sa_handler = [](int) { LoadRun::stop(); };
    ::sigaction(SIGTERM, &action, nullptr);
    ::sigaction(SIGINT, &action, nullptr);
}

/// Its own, in seconds. Near the run's own: the generator was the limit, not the filter.
double processor_time()
{
    rusage own{};
    ::getrusage(RUSAGE_SELF, &own);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(own.ru_utime) + seconds(own.ru_stime);
}

std::optional<Usage> usage_of_watched(const LoadOptions& options)
{
    return options.watch_pid ? usage_of(*options.watch_pid) : std::nullopt;
}

void print_usage(const Usage& before, const Usage& after, double tries)
{
    std::printf(",\"cpu_us_per_message\":%.2f,\"rss_kib\":%lld,\"rss_growth_kib\":%lld",
                (after.cpu_us - before.cpu_us) / tries, static_cast<long long>(after.resident_kib),
                static_cast<long long>(after.resident_kib - before.resident_kib));
}

void print_summary(const LoadOptions& options, const Tally& tally, const LoadRun& run)
{
    std::printf("\"seed\":%llu,\"messages\":%llu", static_cast<unsigned long long>(options.seed),
                static_cast<unsigned long long>(tally.tries()));
    for (const Outcome outcome :
         {Outcome::accept, Outcome::proceed, Outcome::reject, Outcome::tempfail, Outcome::broken})
        std::printf(",\"%s\":%llu", name_of(outcome), static_cast<unsigned long long>(tally.count(outcome)));
    const double seconds = run.seconds();
    std::printf(",\"seconds\":%.3f,\"messages_per_second\":%.1f", seconds,
                seconds > 0 ? static_cast<double>(tally.tries()) / seconds : 0);
    std::printf(",\"eom_ms_p50\":%.3f,\"eom_ms_p99\":%.3f,\"eom_ms_max\":%.3f", tally.end_of_message_ms(0.5),
                tally.end_of_message_ms(0.99), tally.end_of_message_ms(1));
    std::printf(",\"conversation_ms_p50\":%.3f,\"conversation_ms_p99\":%.3f,\"conversation_ms_p999\":%.3f,"
                "\"conversation_ms_max\":%.3f",
                tally.conversation_ms(0.5), tally.conversation_ms(0.99), tally.conversation_ms(0.999),
                tally.conversation_ms(1));
    const LoadRun::Counters& counters = run.counters();
    std::printf(",\"replies\":%llu", static_cast<unsigned long long>(counters.replies));
    std::printf(",\"reconnects\":%llu,\"lost_between\":%llu,\"failed_connects\":%llu",
                static_cast<unsigned long long>(counters.lost), static_cast<unsigned long long>(counters.lost_between),
                static_cast<unsigned long long>(counters.failed_connects));
}

int run(const LoadOptions& options)
{
    raise_open_files_limit();
    stop_by_signals();
    Tally tally(options.answers);
    LoadRun run(options, tally);
    const auto before = usage_of_watched(options);
    const double own_before = processor_time();
    run.run();
    const double own = processor_time() - own_before;
    const auto after = usage_of_watched(options);
    std::printf("{");
    print_summary(options, tally, run);
    std::printf(",\"own_cpu_seconds\":%.3f", own);
    if (before && after)
        print_usage(*before, *after, static_cast<double>(std::max<std::uint64_t>(tally.tries(), 1)));
    std::printf("}\n");
    if (!tally.flush())
        throw std::runtime_error("the answers could not be written");
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    LoadOptions options;
    try {
        options = parse_load_options(argc, argv);
    } catch (const std::invalid_argument& error) {
        std::fprintf(stderr, "load: %s; the head of tests/bench/load.cpp tells what may stand here\n", error.what());
        return 64;
    }
    try {
        return run(options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "load: %s\n", error.what());
        return 1;
    }
}
