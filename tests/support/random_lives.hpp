// Random lives: each has a seed of its own, which stands in the output of a failure however it fails.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include <catch2/catch.hpp>

namespace smtpauth::test {

inline std::size_t pick(std::mt19937& random, std::size_t below)
{
    return random() % below;
}

inline std::uint64_t number_of(const char* variable, std::uint64_t otherwise)
{
    const char* const wanted = std::getenv(variable); // NOLINT(concurrency-mt-unsafe): one thread
    return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : otherwise;
}

/// SMTPAUTH_SEQUENCES=<count> runs so many instead of `usual`; SMTPAUTH_SEED=<seed> SMTPAUTH_SEQUENCES=1 that one
/// again.
/// @param life  (std::mt19937&) returns what went wrong, "" where nothing did.
template <class Life>
void run_sequences(std::uint64_t usual, Life life)
{
    std::uint64_t seed = number_of("SMTPAUTH_SEED", std::random_device()());
    for (std::uint64_t count = number_of("SMTPAUTH_SEQUENCES", usual); count > 0; --count, ++seed) {
        CAPTURE(seed);
        std::mt19937 random(static_cast<std::mt19937::result_type>(seed));
        const std::string wrong = life(random);
        REQUIRE(wrong == "");
    }
}

} // namespace smtpauth::test
