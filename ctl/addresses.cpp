#include "ctl/addresses.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <variant>
#include <vector>

#include "common/ip_address.hpp"

namespace smtpauth {

namespace {

/// As many as Linux follows.
constexpr int most_links = 40;

constexpr const char* any_v4 = "0.0.0.0";
constexpr const char* any_v6 = "::";

bool is_wildcard(const TcpSocketSpec& spec)
{
    return spec.host == (spec.v6 ? any_v6 : any_v4);
}

bool is_of_this_machine(const IpAddress& address)
{
    if (address.is_loopback())
        return true;
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0)
        return false;
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> all(first, ::freeifaddrs);
    for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next)
        if (entry->ifa_addr != nullptr && IpAddress::from_sockaddr(entry->ifa_addr, sizeof(sockaddr_in6)) == address)
            return true;
    return false;
}

/// The parts of a path, the last at the front end of a stack.
void push_parts(std::vector<std::filesystem::path>& parts, const std::filesystem::path& path)
{
    const std::vector<std::filesystem::path> own(path.begin(), path.end());
    parts.insert(parts.end(), own.rbegin(), own.rend());
}

} // namespace

std::string resolved_path(const std::string& root, std::string_view path)
{
    std::error_code error;
    const std::filesystem::path real_root = std::filesystem::weakly_canonical(root, error);
    const std::filesystem::path top = error ? std::filesystem::path(root) : real_root;
    std::filesystem::path at = top;
    std::vector<std::filesystem::path> parts;
    push_parts(parts, std::filesystem::path(path).relative_path());
    for (int links = 0; !parts.empty();) {
        const std::filesystem::path part = parts.back();
        parts.pop_back();
        if (part.empty() || part == ".")
            continue;
        if (part == "..") {
            at = at == top ? top : at.parent_path();
            continue;
        }
        const std::filesystem::path target = std::filesystem::read_symlink(at / part, error);
        if (error || ++links > most_links) {
            at /= part;
            continue;
        }
        if (target.is_absolute())
            at = top;
        push_parts(parts, target.relative_path());
    }
    return at;
}

bool leads_to(const SocketSpec& named, const SocketSpec& listen)
{
    if (named == listen)
        return true;
    if (named.index() != listen.index())
        return false;
    if (const auto* path = std::get_if<UnixSocketSpec>(&named))
        return resolved_path("/", path->path) == resolved_path("/", std::get<UnixSocketSpec>(listen).path);
    const auto& from = std::get<TcpSocketSpec>(named);
    const auto& to = std::get<TcpSocketSpec>(listen);
    if (from.port != to.port || from.v6 != to.v6 || !is_wildcard(to))
        return false;
    const auto address = IpAddress::parse(from.host);
    return address && is_of_this_machine(*address);
}

std::optional<TcpSocketSpec> parse_postfix_inet(std::string_view endpoint)
{
    constexpr std::string_view transport = "inet:";
    if (!endpoint.starts_with(transport))
        return std::nullopt;
    const bool v6 = endpoint.substr(transport.size()).starts_with('[');
    const auto spec = parse_socket_spec((v6 ? "inet6:" : "inet:") + std::string(endpoint.substr(transport.size())));
    const auto* address = std::get_if<SocketSpec>(&spec);
    return address ? std::optional(std::get<TcpSocketSpec>(*address)) : std::nullopt;
}

TcpSocketSpec reachable(TcpSocketSpec spec)
{
    if (is_wildcard(spec))
        spec.host = spec.v6 ? "::1" : "127.0.0.1";
    return spec;
}

std::string postfix_inet(const TcpSocketSpec& spec)
{
    const TcpSocketSpec to = reachable(spec);
    return "inet:" + (to.v6 ? '[' + to.host + ']' : to.host) + ':' + std::to_string(to.port);
}

} // namespace smtpauth
