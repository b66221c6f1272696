// The same job as smtpauth-filter does, as a good filter on Sendmail's libmilter does it: asks the MTA for as little as
// it can, looks the account up in a reject list, and sends one datagram for each message to a logger.
//
//     libmilter_filter [--count] REJECT_IDS LOG_SOCKET SOCKET
//
// --count: headers and body come too, and their octets are counted. LOG_SOCKET is a UNIX datagram socket that somebody
// reads (datagram_sink). Ended by TERM.
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <string_view>
#include <unordered_set>

#include <arpa/inet.h>

namespace {

constexpr std::size_t datagram_bytes = 2048;
constexpr int backlog = 4096;

bool count_octets = false;
std::unordered_set<std::string> rejected_ids; // read-only once the threads run
int log_socket = -1;

/// One connection, which one thread of libmilter serves.
struct Client {
    std::array<char, INET6_ADDRSTRLEN> address{};
    unsigned port = 0;
    std::time_t connected = 0;

    std::string auth_id;
    std::string sender;
    unsigned recipients = 0;
    unsigned long long octets = 0;
};

Client& client_of(SMFICTX* context)
{
    return *static_cast<Client*>(::smfi_getpriv(context));
}

const char* macro(SMFICTX* context, std::string name)
{
    const char* value = ::smfi_getsymval(context, name.data());
    return value ? value : "";
}

void set_list(SMFICTX* context, int stage, std::string names)
{
    ::smfi_setsymlist(context, stage, names.data());
}

sfsistat on_negotiate(SMFICTX* context, unsigned long offered_actions, unsigned long offered, unsigned long,
                      unsigned long, unsigned long* actions, unsigned long* protocol, unsigned long* unused_2,
                      unsigned long* unused_3)
{
    unsigned long wanted = SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOUNKNOWN | SMFIP_NOEOH | SMFIP_NR_CONN | SMFIP_NR_RCPT;
    wanted |= count_octets ? SMFIP_NR_HDR | SMFIP_NR_BODY | SMFIP_HDR_LEADSPC : SMFIP_NOHDRS | SMFIP_NOBODY;
    *protocol = wanted & offered;
    *actions = SMFIF_SETSYMLIST & offered_actions;
    *unused_2 = *unused_3 = 0;
    set_list(context, SMFIM_CONNECT, "{daemon_name}");
    set_list(context, SMFIM_HELO, "{verify}");
    set_list(context, SMFIM_ENVFROM, "{auth_authen}");
    set_list(context, SMFIM_ENVRCPT, "{rcpt_mailer}");
    set_list(context, SMFIM_DATA, "{verify}");
    set_list(context, SMFIM_EOM, "i");
    set_list(context, SMFIM_EOH, "{verify}");
    return SMFIS_CONTINUE;
}

sfsistat on_connect(SMFICTX* context, char* /*host*/, _SOCK_ADDR* address)
{
    auto* client = new Client;
    client->connected = std::time(nullptr);
    if (address && address->sa_family == AF_INET) {
        const auto* ip = reinterpret_cast<const sockaddr_in*>(address);
        ::inet_ntop(AF_INET, &ip->sin_addr, client->address.data(), INET6_ADDRSTRLEN);
        client->port = ntohs(ip->sin_port);
    } else if (address && address->sa_family == AF_INET6) {
        const auto* ip = reinterpret_cast<const sockaddr_in6*>(address);
        ::inet_ntop(AF_INET6, &ip->sin6_addr, client->address.data(), INET6_ADDRSTRLEN);
        client->port = ntohs(ip->sin6_port);
    }
    ::smfi_setpriv(context, client);
    return SMFIS_NOREPLY;
}

sfsistat on_mail(SMFICTX* context, char** arguments)
{
    Client& client = client_of(context);
    client.auth_id = macro(context, "{auth_authen}");
    client.sender = arguments[0];
    client.recipients = 0;
    client.octets = 0;
    std::string id = client.auth_id;
    std::transform(id.begin(), id.end(), id.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    if (!rejected_ids.contains(id))
        return SMFIS_CONTINUE;
    static char code[] = "550";
    static char enhanced_code[] = "5.7.1";
    static char text[] = "Access denied";
    ::smfi_setreply(context, code, enhanced_code, text);
    return SMFIS_REJECT;
}

sfsistat on_rcpt(SMFICTX* context, char** /*arguments*/)
{
    ++client_of(context).recipients;
    return SMFIS_NOREPLY;
}

sfsistat on_header(SMFICTX* context, char* name, char* value)
{
    client_of(context).octets += std::string_view(name).size() + std::string_view(value).size() + 3;
    return SMFIS_NOREPLY;
}

sfsistat on_body(SMFICTX* context, unsigned char* /*chunk*/, std::size_t size)
{
    client_of(context).octets += size;
    return SMFIS_NOREPLY;
}

sfsistat on_end_of_message(SMFICTX* context)
{
    const Client& client = client_of(context);
    std::array<char, datagram_bytes> line;
    const int length = std::snprintf(
        line.data(), line.size(),
        "client_address:%s\tclient_port:%u\tconnect_time:%lld\tauth_id:%s\teom_time:%lld\tsender:%s\trcpt_count:%u\t"
        "size:%llu\tqueue_id:%s",
        client.address.data(), client.port, static_cast<long long>(client.connected), client.auth_id.c_str(),
        static_cast<long long>(std::time(nullptr)), client.sender.c_str(), client.recipients, client.octets,
        macro(context, "i"));
    const auto size = std::min(static_cast<std::size_t>(length), line.size() - 1);
    return ::send(log_socket, line.data(), size, MSG_NOSIGNAL) < 0 ? SMFIS_TEMPFAIL : SMFIS_CONTINUE;
}

sfsistat on_close(SMFICTX* context)
{
    delete static_cast<Client*>(::smfi_getpriv(context));
    ::smfi_setpriv(context, nullptr);
    return SMFIS_CONTINUE;
}

void raise_open_files_limit()
{
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

bool connect_log(const char* path)
{
    log_socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return ::connect(log_socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

} // namespace

int main(int argc, char** argv)
{
    count_octets = argc == 5 && std::string_view(argv[1]) == "--count";
    if (argc != 4 && !count_octets) {
        std::fprintf(stderr, "usage: libmilter_filter [--count] REJECT_IDS LOG_SOCKET SOCKET\n");
        return 64;
    }
    char** const files = argv + argc - 3;
    std::ifstream list(files[0]);
    for (std::string id; std::getline(list, id);)
        rejected_ids.insert(id);
    raise_open_files_limit();
    if (!connect_log(files[1])) {
        std::perror(files[1]);
        return 1;
    }

    static char name[] = "libmilter_filter";
    smfiDesc description{};
    description.xxfi_name = name;
    description.xxfi_version = SMFI_VERSION;
    description.xxfi_flags = SMFIF_SETSYMLIST;
    description.xxfi_negotiate = on_negotiate;
    description.xxfi_connect = on_connect;
    description.xxfi_envfrom = on_mail;
    description.xxfi_envrcpt = on_rcpt;
    if (count_octets) {
        description.xxfi_header = on_header;
        description.xxfi_body = on_body;
    }
    description.xxfi_eom = on_end_of_message;
    description.xxfi_close = on_close;

    std::string socket = std::string("unix:") + files[2];
    if (::smfi_register(description) != MI_SUCCESS || ::smfi_setconn(socket.data()) != MI_SUCCESS ||
        ::smfi_setbacklog(backlog) != MI_SUCCESS)
        return 1;
    return ::smfi_main() == MI_SUCCESS ? 0 : 1;
}
