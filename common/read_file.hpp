// A whole small file into memory, bounded, without being led astray by what lies at the path.
#pragma once

#include <cstdint>
#include <string>

namespace smtpauth {

struct FileContent {
    std::string text;
    std::string error; ///< "" where the file was read; else why not, without the path
};

enum class SymbolicLink { follow, refuse };

/// Regular files only, so that a pipe at the path cannot stall the caller.
/// @param max_bytes  a larger file is an error.
FileContent read_file(const std::string& path, std::uint64_t max_bytes, SymbolicLink link);

} // namespace smtpauth
