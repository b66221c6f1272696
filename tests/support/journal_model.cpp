#include "tests/support/journal_model.hpp"

#include <stdexcept>
#include <variant>

#include "proto/event/codec.hpp"
#include "proto/event/frame_decoder.hpp"

namespace smtpauth::test {

void ModelCollector::take(std::uint64_t journal, std::uint64_t sequence, std::string_view bytes)
{
    std::uint64_t& cursor = cursors_[journal];
    if (sequence <= cursor)
        return;
    cursor = sequence;
    const auto decoded = event::decode(bytes);
    const auto* record = std::get_if<event::Record>(&decoded);
    if (!record)
        throw std::runtime_error("a record that nobody wrote: " + std::get<event::Malformed>(decoded).error);
    if (record->type == event::RecordType::loss) {
        lost += record->count;
        ++loss_records;
    } else if (record->type == event::RecordType::message) {
        ++logged[record->queue_id];
    }
}

bool ModelFilter::start()
{
    static std::uint64_t next_id = 0x1000;
    id_ = ++next_id;
    catalogue_ = std::make_unique<Catalogue>();
    try {
        store_ = std::make_unique<JournalStore>(disk_, settings_, id_, *catalogue_,
                                                std::function<void(const journal::Frame&)>());
    } catch (const std::runtime_error&) {
        store_.reset();
        return false;
    }
    reader_ = std::make_unique<JournalReader>(disk_, *catalogue_);
    last_ = safe_ = store_->last();
    sent_ = catalogue_->acknowledged();
    journal_ = reader_->seek(sent_, id_);
    return true;
}

void ModelFilter::end()
{
    if (store_ && !disk_.killed())
        look_after();
    reader_.reset();
    store_.reset();
}

bool ModelFilter::write(const std::string& frames, std::uint64_t first, std::uint64_t last)
{
    if (!settings_.syncs && first == last && store_->write_now(frames, last))
        return true;
    store_->trim({catalogue_->acknowledged(), catalogue_->acknowledged()});
    const bool kept = store_->write(frames, first, last) == JournalStore::Kept::yes;
    // Numbers that were not kept are below no record's `synced` before one behind them is safe.
    if (kept && settings_.syncs)
        safe_ = last;
    return kept;
}

void ModelFilter::append(std::size_t messages, std::size_t size)
{
    std::string frames;
    std::vector<std::string> ids;
    const std::uint64_t first = last_ + 1;
    for (std::size_t count = 0; count < messages; ++count) {
        event::Record record;
        record.queue_id = "Q" + std::to_string(++messages_);
        record.eom_time = event::Time(event::Milliseconds(1772368496789));
        record.reason.assign(size, 'r');
        const std::size_t begin = journal::begin_frame(frames);
        encode(record, frames);
        journal::end_frame(frames, begin, id_, ++last_, safe_);
        ids.push_back(record.queue_id);
    }
    const bool kept = write(frames, first, last_);
    if (!kept)
        store_->note_losses({messages, 0}, first, last_, 1772368496789);
    if (disk_.killed()) {
        unanswered.insert(ids.begin(), ids.end());
        return;
    }
    answered.insert(ids.begin(), ids.end());
    if (!settings_.syncs)
        unsynced.insert(ids.begin(), ids.end());
    catalogue_->release(last_);
}

void ModelFilter::settle()
{
    const JournalState state = store_->state();
    if (state.lost == state.settled)
        return;
    event::Record loss;
    loss.type = event::RecordType::loss;
    loss.count = state.lost.messages - state.settled.messages;
    std::string frame;
    const std::size_t begin = journal::begin_frame(frame);
    encode(loss, frame);
    ++last_;
    journal::end_frame(frame, begin, id_, last_, safe_);
    if (store_->begin_settling(last_, state.lost) && write(frame, last_, last_))
        store_->end_settling();
    else
        store_->note_losses({}, last_, last_, 1772368496789);
    if (!disk_.killed())
        catalogue_->release(last_);
}

bool ModelFilter::send(ModelCollector& collector, std::size_t bytes)
{
    std::string out;
    auto chunk = reader_->read(out, bytes);
    if (chunk.last == 0) {
        // Each journal has a connection of its own, once the one before is acknowledged.
        if (!reader_->journal_ended() || catalogue_->acknowledged() < sent_)
            return false;
        journal_ = reader_->seek(sent_, id_);
        chunk = reader_->read(out, bytes);
    }
    event::FrameDecoder decoder;
    decoder.feed(out);
    while (const auto frame = decoder.next()) {
        const auto& record = std::get<event::RecordFrame>(*frame);
        collector.take(journal_, record.sequence, record.record);
    }
    if (chunk.last != 0)
        sent_ = chunk.last;
    return chunk.last != 0;
}

void ModelFilter::acknowledge(std::uint64_t less)
{
    if (sent_ > catalogue_->acknowledged() + less)
        catalogue_->acknowledge(sent_ - less);
}

void ModelFilter::look_after()
{
    store_->trim({catalogue_->acknowledged(), catalogue_->acknowledged()});
    store_->save_position();
    if (!settings_.syncs && store_->flush() && !disk_.killed())
        unsynced.clear();
}

void drain(SimDisk& disk, ModelFilter& filter, ModelCollector& collector)
{
    filter.end();
    disk.restart();
    disk.clear_fault();
    if (!filter.start())
        throw std::runtime_error("the journal cannot be read");
    // The journal may be full: room comes with what is acknowledged, and then the LOSS record has its place.
    for (int turn = 0; turn < 3; ++turn) {
        filter.settle();
        while (filter.send(collector, 4096))
            filter.acknowledge(0);
        filter.look_after();
    }
}

std::string verdict(const ModelFilter& filter, const ModelCollector& collector, const std::set<std::string>& may_lack)
{
    std::uint64_t missing = 0;
    std::uint64_t excused = 0;
    std::string an_example;
    for (const auto& id : filter.answered) {
        if (collector.logged.contains(id))
            continue;
        if (may_lack.contains(id)) {
            ++excused;
        } else {
            ++missing;
            an_example = id;
        }
    }
    for (const auto& [id, times] : collector.logged) {
        if (times != 1)
            return id + " is logged " + std::to_string(times) + " times";
        if (!filter.answered.contains(id) && !filter.unanswered.contains(id))
            return id + " is logged, and nobody sent it";
    }
    // A message under way when the process was killed may be counted as lost, as it may be logged.
    if (collector.lost < missing || collector.lost > missing + excused + filter.unanswered.size())
        return std::to_string(missing) + " are missing (" + an_example + "), " + std::to_string(collector.lost) +
               " are counted as lost";
    return "";
}

} // namespace smtpauth::test
