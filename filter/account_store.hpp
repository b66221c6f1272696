// The state of the accounts on disk: saved now and then, so that a start needs only the journal's records behind that.
// Shard by shard: the loop makes one, a thread writes it, and meanwhile mail goes on (docs/formats/accounts.md).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/asio.hpp"
#include "common/background.hpp"
#include "common/clock.hpp"
#include "common/disk.hpp"
#include "common/replace_file.hpp"
#include "filter/policy/account_state.hpp"

namespace smtpauth {

/// Adds what was saved. What is damaged is said in the log, and left out. Blocks.
/// @return  what is contained.
AccountState::Positions load_accounts(Disk& disk, const std::string& path, AccountState& state);

/// Loop's thread, unless it says otherwise.
class AccountStore {
public:
    /// When the state is saved: so many records, or so much time and any record, after the last time.
    struct Settings {
        std::uint64_t records = 100'000;
        std::chrono::milliseconds time = std::chrono::minutes(5);
    };

    /// Loads what was saved. All references outlive this, and this outlives io.run().
    AccountStore(asio::io_context& io, Background& background, const Clock& clock, Disk& disk, std::string path,
                 AccountState& state, Settings settings);
    AccountStore(const AccountStore&) = delete;
    AccountStore& operator=(const AccountStore&) = delete;

    /// A record that an earlier start left in the journal. Before start(), in their order.
    void recover(std::uint64_t sequence, const event::Record& record) { state_.replay(record, sequence, saved_); }

    /// Saves from now on, and at once what has come behind the last time, if that is much: blocks.
    /// @param last  the number of the last record that the state was charged for.
    void start(std::function<std::uint64_t()> last);

    /// Saves now, unless that is going on.
    void save();

    /// Every record up to this number is in what is saved: the journal need not keep it. Any thread.
    std::uint64_t passed() const { return passed_; }

private:
    void wait();
    bool is_due() const;
    void save_shard(std::size_t shard);
    void shard_written(std::size_t shard, bool written);
    void ended(bool saved);
    void save_before_serving();
    void took(std::uint64_t last, bool saved, const std::string& error);

    Background& background_;
    const Clock& clock_;
    Disk& disk_;
    std::string path_;
    AccountState& state_;
    Settings settings_;
    std::function<std::uint64_t()> last_;
    AccountState::Positions saved_;
    std::atomic<std::uint64_t> passed_;
    Timer timer_;
    std::shared_ptr<FileReplacement> file_; ///< of the saving that goes on; the thread's while it writes
    bool is_saving_ = false;
    std::uint64_t began_at_ = 0; ///< number of the last record when that began
    Clock::SteadyTime tried_at_;
};

} // namespace smtpauth
