// Whose mail the next message is: drawn from many accounts, the same ones again for the same seed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace smtpauth::bench {

class AccountChoice {
public:
    /// @param zipf  the n-th account sends 1/n as much as the first, which is how mail is spread; else all alike.
    AccountChoice(std::size_t ids, bool zipf, double refused_share, std::uint64_t seed)
        : random_(seed),
          refused_(refused_share)
    {
        double sum = 0;
        for (std::size_t rank = 1; rank <= ids; ++rank)
            cumulative_.push_back(sum += zipf ? 1.0 / static_cast<double>(rank) : 1.0);
    }

    std::string next()
    {
        std::uniform_real_distribution<double> place(0, cumulative_.back());
        const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, place(random_));
        return (refused_(random_) ? "refused-" : "user-") + std::to_string(found - cumulative_.begin()) +
               "@example.com";
    }

private:
    std::mt19937_64 random_;
    std::bernoulli_distribution refused_;
    std::vector<double> cumulative_; ///< weights, summed up
};

} // namespace smtpauth::bench
