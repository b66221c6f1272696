// CRC32C, the checksum of journal records (RFC 3720, appendix B.4; polynomial 0x1EDC6F41). Debian 12 has no library for
// it.
#pragma once

#include <cstdint>
#include <string_view>

namespace smtpauth::journal {

/// @param before  the checksum of what stands before `bytes`, 0 where nothing does.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

/// The same without the processor's help: what runs where there is no SSE4.2.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t before = 0);

} // namespace smtpauth::journal
