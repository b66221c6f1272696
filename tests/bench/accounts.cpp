// What limits cost where there are very many accounts: memory, a decision, a saved shard, all shards read back.
//
//     accounts [ACCOUNTS] [STATE_MAX_BYTES]
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "filter/policy/account_state.hpp"
#include "filter/policy/limit_check.hpp"

namespace smtpauth::bench {

namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

/// Five that nobody reaches: each is judged for every message.
std::vector<LimitRule> five_limits()
{
    constexpr std::uint64_t many = 1'000'000;
    return {{.name = "burst", .measure = Measure::messages, .limit = many, .window = 1min},
            {.name = "hourly", .limit = many, .window = 1h},
            {.name = "daily", .limit = many, .window = 24h},
            {.name = "places", .measure = Measure::networks, .limit = 50, .window = 24h},
            {.name = "tenant", .scope = Scope::domain, .limit = many * 1000, .window = 24h}};
}

/// Mail of random accounts, a message a millisecond.
class Mail {
public:
    explicit Mail(std::size_t accounts) : account_(0, accounts - 1) {}

    const event::Record& next(std::size_t account)
    {
        record_.auth_id =
            "user-" + std::to_string(account) + "@customer-" + std::to_string(account % 5000) + ".example";
        record_.client_address = "192." + std::to_string(account % 250) + "." + std::to_string(random_() % 3) + ".1";
        record_.sender = record_.auth_id;
        record_.eom_time += 1ms;
        return record_;
    }
    const event::Record& next() { return next(account_(random_)); }

private:
    std::mt19937_64 random_{1};
    std::uniform_int_distribution<std::size_t> account_;
    event::Record record_ = [] {
        event::Record record;
        record.eom_time = event::Time(std::chrono::milliseconds(1767225600000));
        record.recipients.append("somebody@example.org");
        record.size_bytes = 4096;
        return record;
    }();
};

std::size_t allocated()
{
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

double quantile(std::vector<std::int64_t>& sorted, double share)
{
    return static_cast<double>(sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))]);
}

void run(std::size_t accounts, std::uint64_t max_bytes)
{
    const auto rules = five_limits();
    const AccountState::Settings settings{.keep = longest_windows(rules), .max_bytes = max_bytes};
    const std::size_t before = allocated();
    AccountState state(settings);
    Mail mail(accounts);
    for (int round = 0; round < 3; ++round)
        for (std::size_t account = 0; account < accounts; ++account)
            state.apply(mail.next(account));
    const auto figures = state.figures();
    std::printf("%zu names kept, %llu forgotten; %.1f MiB as counted (at most %.1f), %.1f MiB allocated\n",
                figures.accounts, static_cast<unsigned long long>(figures.evicted),
                static_cast<double>(figures.bytes) / 1048576, static_cast<double>(max_bytes) / 1048576,
                static_cast<double>(allocated() - before) / 1048576);

    std::vector<std::unique_ptr<const Check>> checks;
    checks.reserve(rules.size());
    for (const LimitRule& rule : rules)
        checks.push_back(std::make_unique<LimitCheck>(rule, state));
    constexpr int decisions = 500'000;
    std::vector<std::int64_t> took;
    for (int n = 0; n < decisions; ++n) {
        const event::Record& record = mail.next();
        const auto begin = Steady::now();
        for (const auto& check : checks)
            if (!check->at_end_of_message(record).passes())
                std::abort();
        state.apply(record);
        took.push_back((Steady::now() - begin) / 1ns);
    }
    std::sort(took.begin(), took.end());
    std::printf("a decision of five limits, charged: p50 %.0f ns, p99 %.0f ns, longest %.0f ns\n", quantile(took, 0.5),
                quantile(took, 0.99), quantile(took, 1));

    std::vector<std::string> saved(AccountState::shard_count);
    std::int64_t longest = 0;
    std::size_t bytes = 0;
    for (std::size_t shard = 0; shard < saved.size(); ++shard) {
        const auto begin = Steady::now();
        state.save(shard, saved[shard]);
        longest = std::max<std::int64_t>(longest, (Steady::now() - begin) / 1us);
        bytes += saved[shard].size();
    }
    std::printf("%zu shards, %.1f MiB: the longest takes %.2f ms\n", saved.size(), static_cast<double>(bytes) / 1048576,
                static_cast<double>(longest) / 1000);

    const auto begin = Steady::now();
    AccountState loaded(settings);
    for (const std::string& shard : saved)
        if (!loaded.load(shard))
            std::abort();
    loaded.put_in_order();
    std::printf("read back in %.2f s\n", static_cast<double>((Steady::now() - begin) / 1ms) / 1000);
}

} // namespace

} // namespace smtpauth::bench

int main(int argc, char** argv)
{
    const std::size_t accounts = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
    const std::uint64_t max_bytes = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::uint64_t{4} << 30;
    if (accounts == 0 || max_bytes == 0) {
        std::fputs("usage: accounts [ACCOUNTS] [STATE_MAX_BYTES]\n", stderr);
        return 64;
    }
    smtpauth::bench::run(accounts, max_bytes);
    return 0;
}
