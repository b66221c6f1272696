#include "common/log_settings.hpp"

namespace smtpauth {

log::Settings read_log_settings(ConfigFile& file, std::string program)
{
    log::Settings settings;
    settings.program = std::move(program);

    ConfigTable table = file.table("log");
    settings.to = table.text("to", settings.to);
    if (settings.to != "auto" && settings.to != "stderr" && settings.to != "syslog" &&
        !settings.to.starts_with("file:/"))
        table.refuse("to", R"("auto", "stderr", "syslog" or "file:/PATH")");
    settings.level = table.choice<log::Level>("level", settings.level,
                                              {{"debug", log::Level::debug},
                                               {"info", log::Level::info},
                                               {"warning", log::Level::warning},
                                               {"error", log::Level::error}});
    return settings;
}

} // namespace smtpauth
