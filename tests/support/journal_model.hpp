// A filter's journal and a collector in one thread, for tests of what a crash leaves: what DiskJournal, JournalWriter
// and Sender do together, one step at a time, with a model of what must stand in the logs.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "filter/journal/reader.hpp"
#include "filter/journal/store.hpp"
#include "tests/support/sim_disk.hpp"

namespace smtpauth::test {

/// The logs, as a collector that never fails would write them.
class ModelCollector {
public:
    /// A record as it comes by the stream. Drops what it has; fails the test on what no filter wrote.
    void take(std::uint64_t journal, std::uint64_t sequence, std::string_view record);

    std::map<std::string, int> logged; ///< queue id -> how often
    std::uint64_t lost = 0;            ///< sum over the LOSS records
    std::size_t loss_records = 0;

private:
    std::map<std::uint64_t, std::uint64_t> cursors_; ///< journal -> sequence number
};

/// A filter with the policy on_journal_full = "pass".
class ModelFilter {
public:
    ModelFilter(SimDisk& disk, JournalStore::Settings settings) : disk_(disk), settings_(std::move(settings)) {}

    /// Reads the journal anew, with an id of its own. @return  false: it cannot be read.
    bool start();
    /// The process is gone: unless it was killed, as after TERM.
    void end();
    bool running() const { return store_ != nullptr; }

    /// So many messages come to their end at once.
    void append(std::size_t messages, std::size_t size);
    /// Tells of losses, if there is room.
    void settle();
    /// Gives the collector up to about `bytes` octets of records. @return  whether there were any.
    bool send(ModelCollector& collector, std::size_t bytes);
    /// The collector acknowledges all that was sent, or less by so many records.
    void acknowledge(std::uint64_t less);
    /// A step towards the next segment, and what is done once a second.
    void prepare() { store_->prepare(true); }
    void look_after();

    std::set<std::string> answered;   ///< queue ids of messages that passed
    std::set<std::string> unanswered; ///< of messages under way when the process was killed
    std::set<std::string> unsynced;   ///< of those answered, not safe from a power cut; empty where the journal syncs

private:
    bool write(const std::string& frames, std::uint64_t first, std::uint64_t last);

    SimDisk& disk_;
    JournalStore::Settings settings_;
    std::unique_ptr<Catalogue> catalogue_;
    std::unique_ptr<JournalStore> store_;
    std::unique_ptr<JournalReader> reader_;
    std::uint64_t id_ = 0;
    std::uint64_t journal_ = 0; ///< that the reader reads
    std::uint64_t last_ = 0;
    std::uint64_t safe_ = 0; ///< the last record that a power cut cannot take
    std::uint64_t sent_ = 0;
    std::uint64_t messages_ = 0;
};

/// Everything reaches the logs in the end: restarts the filter and drains its journal.
void drain(SimDisk& disk, ModelFilter& filter, ModelCollector& collector);

/// What the logs must hold: each answered message once or counted as lost, and none that nobody sent.
/// @param may_lack  messages that need not be there: unsynced ones after a power cut.
/// @return  "" or what is wrong.
std::string verdict(const ModelFilter& filter, const ModelCollector& collector,
                    const std::set<std::string>& may_lack = {});

} // namespace smtpauth::test
