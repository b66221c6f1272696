// Keeps all connections to the filter busy: one thread, one epoll. Moves bytes and waits; what is said stands in
// load_session.hpp.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "common/file_descriptor.hpp"
#include "tests/bench/account_choice.hpp"
#include "tests/bench/load_options.hpp"
#include "tests/bench/load_session.hpp"
#include "tests/bench/tally.hpp"

namespace smtpauth::bench {

class LoadRun {
public:
    struct Counters {
        std::uint64_t lost = 0;            ///< connections that the filter ended
        std::uint64_t lost_between = 0;    ///< of these, between two messages
        std::uint64_t failed_connects = 0; ///< each is tried again some milliseconds later
        std::uint64_t replies = 0;         ///< final ones: each is a round trip
    };

    LoadRun(const LoadOptions& options, Tally& tally);

    /// Until the options say so, or stop(); answers that are under way are awaited.
    void run();

    /// For a signal handler: begin no more messages.
    static void stop() { stop_asked = 1; }

    const Counters& counters() const { return counters_; }

    /// From the start to the last answer.
    double seconds() const { return std::chrono::duration<double>(last_answer_ - start_).count(); }

private:
    using Clock = std::chrono::steady_clock;
    using Time = Clock::time_point;

    struct Client {
        std::uint16_t port = 0;
        bool pauses = false;
        bool idles = false;
        bool lost_in_pause = false; ///< which an MTA learns when it sends the next message
        FileDescriptor socket;
        std::optional<LoadSession> session; ///< none: it waits to connect again
        std::size_t messages = 0;           ///< on this connection
        bool wants_to_write = false;
        std::string queue_id;
        Time began; ///< the message
        Time asked; ///< when what now awaits an answer was sent
    };

    void connect(Client& client);
    void serve(Client& client, std::uint32_t events);
    void read(Client& client);
    void take(Client& client, milter::Bytes bytes);
    void write(Client& client);
    void watch_writing(Client& client, bool wanted);
    void lose(Client& client);
    void quit(Client& client);

    void go_on(Client& client);
    void begin(Client& client);
    void begin_what_is_due();
    void end(Client& client, Outcome outcome, bool at_end_of_message);
    void end_all();

    void sleep(Client& client, Clock::duration pause);
    void wake_sleepers();
    void wake(Client& client);
    int patience_ms() const;

    void look_at_clock();
    bool may_begin() const;
    bool over() const;
    double seconds_since_start() const { return std::chrono::duration<double>(now_ - start_).count(); }

    inline static volatile std::sig_atomic_t stop_asked = 0;

    LoadOptions options_;
    Tally& tally_;
    MessageShape shape_;
    AccountChoice accounts_;
    std::mt19937_64 random_;
    FileDescriptor epoll_;
    std::vector<Client> clients_;
    std::deque<Client*> waiting_;           ///< under --rate, for the time of their next message
    std::multimap<Time, Client*> sleepers_; ///< before they connect again, or in a pause
    Counters counters_;
    std::uint64_t begun_ = 0;
    std::size_t in_message_ = 0;
    Time start_;
    Time now_;
    Time last_answer_;
    std::optional<Time> stopping_;
};

} // namespace smtpauth::bench
