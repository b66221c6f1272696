#include "common/geo.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <maxminddb.h>

#include "common/file_descriptor.hpp"

namespace smtpauth {

namespace {

constexpr off_t largest_database = off_t{1} << 30;
constexpr std::uint32_t longest_code = 16; // bytes; a country code has 2

std::string call_failed(const char* call)
{
    const int error = errno;
    return std::string(call) + ": " + std::generic_category().message(error);
}

bool same_state(const struct stat& a, const struct stat& b)
{
    return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

/// A file that nobody else can open and that vanishes with its last user.
FileDescriptor private_file(const std::string& directory)
{
    FileDescriptor file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file)
        file = FileDescriptor(::memfd_create("smtpauth-geo", MFD_CLOEXEC));
    return file;
}

/// The error, or "".
std::string copy(const std::string& path, const FileDescriptor& target)
{
    const FileDescriptor source(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat before {};
    if (!source || ::fstat(source.get(), &before) != 0)
        return call_failed("cannot be read");
    if (!S_ISREG(before.st_mode))
        return "is not a regular file";
    if (before.st_size > largest_database)
        return "is larger than 1GiB";

    constexpr std::size_t piece = std::size_t{1} << 24;
    ssize_t n = 0;
    off_t copied = 0;
    while (copied <= largest_database && (n = ::sendfile(target.get(), source.get(), nullptr, piece)) > 0)
        copied += n;
    if (n < 0)
        return call_failed("cannot be copied");
    struct stat after {};
    if (::fstat(source.get(), &after) != 0 || !same_state(before, after) || copied != before.st_size)
        return "changed while it was read";
    return {};
}

sockaddr_storage to_sockaddr(const IpAddress& address)
{
    sockaddr_storage result{};
    const auto& bytes = address.bytes();
    if (address.is_v4()) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        std::memcpy(&v4.sin_addr, bytes.data() + bytes.size() - sizeof v4.sin_addr, sizeof v4.sin_addr);
        std::memcpy(&result, &v4, sizeof v4);
    } else {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
        std::memcpy(&result, &v6, sizeof v6);
    }
    return result;
}

} // namespace

struct GeoDatabase::Impl {
    MMDB_s database{};
    bool opened = false;

    Impl() = default;
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl()
    {
        if (opened)
            MMDB_close(&database);
    }

    /// @return  MMDB_SUCCESS also where the address is not in the database.
    int look_up(const IpAddress& address, MMDB_lookup_result_s& result) const
    {
        const sockaddr_storage generic = to_sockaddr(address);
        int error = MMDB_SUCCESS;
        result = MMDB_lookup_sockaddr(&database, reinterpret_cast<const sockaddr*>(&generic), &error);
        return error;
    }

    /// The value at that path in the entry of an address.
    template <class... Path>
    std::optional<MMDB_entry_data_s> value(const IpAddress& address, Path... path) const
    {
        MMDB_lookup_result_s result{};
        if (look_up(address, result) != MMDB_SUCCESS || !result.found_entry)
            return std::nullopt;
        MMDB_entry_data_s data{};
        const char* const steps[] = {path..., nullptr};
        if (MMDB_aget_value(&result.entry, &data, steps) != MMDB_SUCCESS || !data.has_data)
            return std::nullopt;
        return data;
    }

    std::optional<std::string> code(const IpAddress& address, const char* table) const
    {
        const auto data = value(address, table, "iso_code");
        if (!data || data->type != MMDB_DATA_TYPE_UTF8_STRING || data->data_size == 0 || data->data_size > longest_code)
            return std::nullopt;
        return std::string(data->utf8_string, data->data_size);
    }
};

GeoDatabase::GeoDatabase(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GeoDatabase::GeoDatabase(GeoDatabase&&) noexcept = default;
GeoDatabase& GeoDatabase::operator=(GeoDatabase&&) noexcept = default;
GeoDatabase::~GeoDatabase() = default;

std::variant<GeoDatabase, std::string> GeoDatabase::open(const std::string& path, const std::string& private_directory)
{
    const FileDescriptor file = private_file(private_directory);
    if (!file)
        return path + ": " + call_failed("memfd_create");
    if (const std::string problem = copy(path, file); !problem.empty())
        return path + ": " + problem;

    auto impl = std::make_unique<Impl>();
    const std::string name = "/proc/self/fd/" + std::to_string(file.get());
    int error = MMDB_open(name.c_str(), MMDB_MODE_MMAP, &impl->database);
    impl->opened = error == MMDB_SUCCESS;
    // One look into the tree finds a file that only ends like a database.
    MMDB_lookup_result_s ignored{};
    if (impl->opened)
        error = impl->look_up(*IpAddress::parse("192.0.2.1"), ignored);
    if (error != MMDB_SUCCESS)
        return path + ": not a usable database: " + MMDB_strerror(error);
    return GeoDatabase(std::move(impl));
}

std::optional<std::string> GeoDatabase::country(const IpAddress& address) const
{
    auto code = impl_->code(address, "country");
    return code ? code : impl_->code(address, "registered_country");
}

std::optional<std::uint32_t> GeoDatabase::asn(const IpAddress& address) const
{
    const auto data = impl_->value(address, "autonomous_system_number");
    if (!data)
        return std::nullopt;
    switch (data->type) {
    case MMDB_DATA_TYPE_UINT16:
        return data->uint16;
    case MMDB_DATA_TYPE_UINT32:
        return data->uint32;
    default:
        return std::nullopt;
    }
}

std::string GeoDatabase::describe() const
{
    const MMDB_metadata_s& metadata = impl_->database.metadata;
    const std::string_view type = metadata.database_type != nullptr ? metadata.database_type : "database";
    const auto built =
        static_cast<std::time_t>(std::min(metadata.build_epoch, std::uint64_t{253402300799})); // year 9999
    return fmt::format("{} of {:%Y-%m-%d}, {} nodes", type, fmt::gmtime(built), metadata.node_count);
}

} // namespace smtpauth
