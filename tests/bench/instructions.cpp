// A fixed piece of work of each kind that a message costs, to be run under callgrind: how many instructions it takes
// does not depend on what else the machine does. instructions.py tells callgrind to count within measure().
//
//     instructions session|record|line
//
// session: a message's conversation, with its checks. record: its way into the journal and out to the collector.
// line: its line in the statistics log. A thousand times each.
#include <array>
#include <cstdio>
#include <string>
#include <string_view>

#include "collector/stats_log/line.hpp"
#include "proto/event/codec.hpp"
#include "proto/event/frame.hpp"
#include "proto/journal/frame.hpp"
#include "tests/bench/sample_mail.hpp"
#include "tests/support/records.hpp"
#include "tests/support/test_site.hpp"

namespace smtpauth::bench {

namespace {

constexpr int messages = 1000;
constexpr int messages_per_connection = 10;
constexpr std::uint64_t journal_id = 0x1122334455667788;

void converse(Conversation& filter, const std::vector<std::string>& reads)
{
    for (const std::string& read : reads) {
        filter.receive(read);
        while (std::holds_alternative<Conversation::Commit>(filter.next()))
            filter.committed();
        filter.output().clear();
    }
}

class SessionWork {
public:
    SessionWork()
    {
        site_.list("somebody@example.com");
        Conversation filter(site_.site(), site_.size_source());
        reads_ = sample_conversation(filter, messages_per_connection, MessageShape(1, 0));
    }

    void run()
    {
        for (int done = 0; done < messages; done += messages_per_connection) {
            Conversation filter(site_.site(), site_.size_source());
            converse(filter, reads_);
        }
    }

private:
    test::TestSite site_{[] {
        FilterConfig config;
        config.message_size = MessageSize::off;
        return config;
    }()};
    std::vector<std::string> reads_;
};

class RecordWork {
public:
    void run()
    {
        for (std::uint64_t sequence = 1; sequence <= messages; ++sequence) {
            written_.clear();
            const std::size_t begin = journal::begin_frame(written_);
            encode(record_, written_);
            journal::end_frame(written_, begin, journal_id, sequence, sequence - 1);
            sent_.clear();
            if (const auto frame = journal::read_frame(written_, journal_id))
                event::append_record_frame(sent_, frame->sequence, frame->record);
        }
    }

private:
    event::Record record_ = test::message();
    std::string written_;
    std::string sent_;
};

class LineWork {
public:
    void run()
    {
        for (std::uint64_t sequence = 1; sequence <= messages; ++sequence) {
            const auto decoded = event::decode(encoded_);
            lines_.clear();
            append_line(lines_, std::get<event::Record>(decoded), {journal_id, sequence}, LogRecipients::full);
        }
    }

private:
    std::string encoded_ = test::encoded(test::message());
    std::string lines_;
};

} // namespace

/// Only what is called from here is counted.
template <class Work>
[[gnu::noinline]] void measure(Work& work)
{
    work.run();
}

template <class Work>
void run()
{
    Work work;
    work.run(); // what happens once has happened
    measure(work);
}

} // namespace smtpauth::bench

int main(int argc, char** argv)
{
    using namespace smtpauth::bench;
    const std::string_view kind = argc == 2 ? argv[1] : "";
    if (kind == "session")
        run<SessionWork>();
    else if (kind == "record")
        run<RecordWork>();
    else if (kind == "line")
        run<LineWork>();
    else {
        std::fprintf(stderr, "usage: instructions session|record|line\n");
        return 64;
    }
    return 0;
}
