#include "proto/journal/crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace smtpauth::journal {

namespace {

constexpr std::uint32_t reversed_polynomial = 0x82f63b78;

constexpr std::array<std::uint32_t, 256> make_table()
{
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
        std::uint32_t value = byte;
        for (int bit = 0; bit < 8; ++bit)
            value = value >> 1 ^ (value & 1) * reversed_polynomial;
        table[byte] = value;
    }
    return table;
}

constexpr auto table = make_table();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse(std::string_view bytes, std::uint32_t before)
{
    std::uint64_t value = ~before;
    while (bytes.size() >= 8) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, bytes.data(), 8);
        value = _mm_crc32_u64(value, eight);
        bytes.remove_prefix(8);
    }
    auto rest = static_cast<std::uint32_t>(value);
    for (const char byte : bytes)
        rest = _mm_crc32_u8(rest, static_cast<unsigned char>(byte));
    return ~rest;
}
#endif

} // namespace

std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t before)
{
    std::uint32_t value = ~before;
    for (const char byte : bytes)
        value = value >> 8 ^ table[(value ^ static_cast<unsigned char>(byte)) & 0xff];
    return ~value;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before)
{
#if defined(__x86_64__)
    static const bool has_sse = __builtin_cpu_supports("sse4.2") != 0;
    if (has_sse)
        return crc32c_sse(bytes, before);
#endif
    return crc32c_portable(bytes, before);
}

} // namespace smtpauth::journal
