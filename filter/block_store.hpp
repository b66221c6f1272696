// Blocks on disk: blocks.ltsv, written anew at each change, and the journal's records behind it
// (docs/formats/blocks.md).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/asio.hpp"
#include "common/background.hpp"
#include "common/disk.hpp"
#include "filter/policy/block_list.hpp"

namespace smtpauth {

/// Loop's thread, unless it says otherwise.
class BlockStore {
public:
    /// Reads the file. Lines that are none are said in the log and left out; a copy of the file is kept.
    /// Throws std::runtime_error where the file is there and cannot be read: nobody would be blocked, and the next
    /// change would write that down. All references outlive this, and this outlives io.run().
    BlockStore(asio::io_context& io, Background& background, Disk& disk, std::string path);
    BlockStore(const BlockStore&) = delete;
    BlockStore& operator=(const BlockStore&) = delete;

    BlockList& list() { return list_; }

    /// A record that an earlier start left in the journal, in their order.
    void recover(std::uint64_t sequence, const event::Record& record);

    /// After the last recover(): what was found is saved.
    /// @param last  number of the journal's last record.
    void start(std::uint64_t last);

    /// What failed, or nothing.
    using Saved = std::function<void(const std::optional<std::string>&)>;

    /// A BLOCK or UNBLOCK record with its number in the journal. In force at once.
    /// @param saved  called once it is in the file, too, or could not be written; that is tried again.
    void change(std::uint64_t sequence, const event::Record& record, Saved saved);

    /// Records up to this number need not be kept for the blocks. Any thread.
    std::uint64_t passed() const { return passed_; }

private:
    void take(std::uint64_t sequence, const event::Record& record);
    void save();
    void saved(std::uint64_t position, const std::vector<Saved>& told, const std::optional<std::string>& error);
    void save_later();

    Background& background_;
    Disk& disk_;
    std::string path_;
    BlockList list_;
    std::uint64_t position_ = 0; ///< number of the last record in list_ that changed it
    std::vector<Saved> waiting_; ///< for the next save()
    bool is_saving_ = false;
    Timer again_; ///< after a failure
    std::atomic<std::uint64_t> passed_;
};

} // namespace smtpauth
