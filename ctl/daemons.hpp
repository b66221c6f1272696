// Which daemons there are to ask: the configuration's own word.
#pragma once

#include <string>
#include <vector>

namespace smtpauth {

struct Daemon {
    std::string name;    ///< as it calls itself in its log
    std::string control; ///< path of its control socket
    bool is_filter = false;
};

struct Daemons {
    std::vector<Daemon> daemons;     ///< filters first; without those whose `control` is ""
    std::vector<std::string> errors; ///< "FILE:LINE: what"; where there are any, daemons is of no use
};

/// Reads the configuration that the daemons read: [filter], each of its instances, and [collector].
Daemons load_daemons(const std::string& config);

} // namespace smtpauth
