#include "collector/delivery/alarm_status.hpp"

#include <utility>

namespace smtpauth {

namespace {

json::object outbox_to_json(const Outbox::Status& status)
{
    json::object object{{"delivered", status.delivered},
                        {"waiting", status.waiting},
                        {"failed_tries", status.failed},
                        {"given_up", status.given_up}};
    if (!status.error.empty())
        object.emplace("error", json_text(status.error));
    return object;
}

} // namespace

json::object to_json(const AlarmStatus& status)
{
    json::object object{{"open_incidents", status.open},      {"raised", status.raised},
                        {"accounts", status.memory.accounts}, {"used_bytes", status.memory.bytes},
                        {"limit_bytes", status.max_bytes},    {"forgotten_early", status.memory.forgotten}};
    if (status.mail_is_on)
        object.emplace("mail", outbox_to_json(status.mail));
    if (status.hook_is_on)
        object.emplace("hook", outbox_to_json(status.hook));
    return object;
}

} // namespace smtpauth
