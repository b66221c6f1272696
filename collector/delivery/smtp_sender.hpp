// Takes a mail to a server: the bytes of an SmtpDialogue over a socket, encrypted where it asks for that. TLS stays in
// smtp_sender.cpp (OpenSSL). Decides nothing.
#pragma once

#include <chrono>
#include <string>

#include "collector/alert/smtp_dialogue.hpp"
#include "common/asio.hpp"
#include "common/socket_spec.hpp"

namespace smtpauth {

struct SmtpServer {
    SocketSpec address;
    std::chrono::milliseconds timeout; ///< of each step: connecting, one whole answer, one write
    std::chrono::milliseconds of_mail; ///< of the answer to the mail
    std::chrono::milliseconds of_all;  ///< of the whole conversation
    std::string tls_name;              ///< whom the certificate must name; "": it is not looked at
    std::string tls_ca_file;           ///< "": the system's
};

/// Has the dialogue from its beginning to its end; what fails beneath is told to it. Never throws.
/// @param dialogue  lives until this has ended.
Task<void> deliver_mail(asio::io_context& io, SmtpServer server, SmtpDialogue& dialogue);

} // namespace smtpauth
