#include <random>

#include <catch2/catch.hpp>

#include "filter/policy/account_state.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using event::Record;

namespace {

constexpr event::Milliseconds hour = 1h;
constexpr AccountState::Settings settings{.keep = {hour, hour, hour}, .max_bytes = 1 << 24};

event::Time at(std::uint64_t ms)
{
    return event::Time(event::Milliseconds(1767225600000)) + event::Milliseconds(ms);
}

Record mail(std::mt19937& random, std::uint64_t ms)
{
    Record record;
    record.auth_id = "user" + std::to_string(random() % 50) + "@" + std::to_string(random() % 5) + ".example";
    record.sender = "s" + std::to_string(random() % 20) + "@example.org";
    record.client_address = "192.0." + std::to_string(random() % 9) + ".1";
    record.rcpt_unlisted = static_cast<std::uint32_t>(1 + random() % 7);
    record.rcpt_refused = static_cast<std::uint32_t>(random() % 3);
    record.size_bytes = random() % 100000;
    record.eom_time = at(ms);
    return record;
}

/// Everything that can be asked, as text.
std::string content(AccountState& state, const std::vector<Record>& records, event::Time now)
{
    std::string out;
    for (const Record& record : records) {
        for (const Scope scope : {Scope::auth_id, Scope::domain, Scope::sender}) {
            const AccountPast* past = state.find(scope, name_in(scope, record), now);
            for (const event::Milliseconds window : {event::Milliseconds(500), event::Milliseconds(hour)}) {
                const Charge sum = past ? past->charges.sum(now, window) : Charge{};
                for (const std::uint64_t number : {sum.messages, sum.recipients, sum.rejected_recipients, sum.bytes,
                                                   std::uint64_t{past ? past->networks.count(now, window) : 0}})
                    out += std::to_string(number) + ' ';
            }
        }
        out += '\n';
    }
    return out;
}

} // namespace

TEST_CASE("shards that were saved at different times, and the records behind them, make the same state",
          "[filter][policy]")
{
    std::mt19937 random(Catch::rngSeed());
    for (int round = 0; round < 20; ++round) {
        AccountState live;
        live.set(settings);
        std::vector<Record> records;
        AccountState::Positions positions{};
        std::vector<std::string> saved;
        const std::size_t begin = random() % 1000;
        while (records.size() < 2000) {
            if (records.size() >= begin && saved.size() < AccountState::shard_count) {
                std::string shard;
                live.save(saved.size(), shard);
                positions[saved.size()] = records.size();
                saved.push_back(std::move(shard));
            }
            Record record = mail(random, records.size());
            if (!records.empty() && random() % 10 == 0) {
                record = records[records.size() - 1 - random() % std::min<std::size_t>(records.size(), 20)];
                record.type = event::RecordType::void_record; // of the message: of no other, or of one that was taken
            }
            live.apply(record);
            records.push_back(std::move(record));
        }

        AccountState restored;
        restored.set(settings);
        for (const std::string& shard : saved)
            REQUIRE(restored.load(shard));
        restored.put_in_order();
        for (std::size_t at = 0; at < records.size(); ++at)
            restored.replay(records[at], at + 1, positions);
        CHECK(content(restored, records, at(2000)) == content(live, records, at(2000)));
        CHECK(restored.figures().accounts == live.figures().accounts);
    }
}

TEST_CASE("who was charged least recently is forgotten first after a load, too", "[filter][policy]")
{
    std::mt19937 random(1);
    AccountState state;
    state.set({.keep = {hour, 0ms, 0ms}, .max_bytes = 1 << 24});
    Record record = mail(random, 0);
    for (std::uint64_t n = 0; n < 1000; ++n) {
        record.auth_id = std::to_string(n);
        record.eom_time = at(n);
        state.apply(record);
    }
    AccountState loaded;
    loaded.set({.keep = {hour, 0ms, 0ms}, .max_bytes = 1 << 24});
    for (std::size_t shard = 0; shard < AccountState::shard_count; ++shard) {
        std::string bytes;
        state.save(shard, bytes);
        REQUIRE(loaded.load(bytes));
    }
    loaded.put_in_order();
    loaded.set({.keep = {hour, 0ms, 0ms}, .max_bytes = loaded.figures().bytes / 2});
    record.eom_time = at(1000);
    loaded.apply(record); // of "999"
    CHECK(loaded.find(Scope::auth_id, "0", at(1000)) == nullptr);
    CHECK(loaded.find(Scope::auth_id, "998", at(1000)) != nullptr);
    CHECK(loaded.find(Scope::auth_id, "700", at(1000)) != nullptr);
}

TEST_CASE("what nobody asks for any more is not loaded", "[filter][policy]")
{
    std::mt19937 random(1);
    AccountState state;
    state.set(settings);
    state.apply(mail(random, 0));
    AccountState loaded;
    loaded.set({.keep = {hour, 0ms, 0ms}, .max_bytes = 1 << 24});
    for (std::size_t shard = 0; shard < AccountState::shard_count; ++shard) {
        std::string bytes;
        state.save(shard, bytes);
        REQUIRE(loaded.load(bytes));
    }
    CHECK(state.figures().accounts == 3);
    CHECK(loaded.figures().accounts == 1);
}

TEST_CASE("a damaged shard is noticed, and harms nothing", "[filter][policy]")
{
    std::mt19937 random(Catch::rngSeed());
    AccountState state;
    state.set(settings);
    for (std::uint64_t n = 0; n < 200; ++n)
        state.apply(mail(random, n));
    for (std::size_t shard = 0; shard < AccountState::shard_count; ++shard) {
        std::string bytes;
        state.save(shard, bytes);
        for (std::size_t size = 0; size < bytes.size(); size += 1 + random() % 20) {
            AccountState loaded;
            loaded.set(settings);
            loaded.load(std::string_view(bytes).substr(0, size));
            std::string flipped = bytes;
            flipped[size] = static_cast<char>(flipped[size] ^ (1 << random() % 8));
            loaded.load(flipped);
            loaded.put_in_order();
        }
    }
    AccountState loaded;
    loaded.set(settings);
    CHECK_FALSE(loaded.load(std::string("\x05"
                                        "abc",
                                        4)));
}
