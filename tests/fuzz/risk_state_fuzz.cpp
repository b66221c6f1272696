// A shard of the risk budget's habits. Properties: any octets are loaded or refused; what was loaded is saved, and
// loaded again to the same octets; mail is judged and learned from, with a finite cost, whatever was loaded.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "filter/policy/risk_state.hpp"

namespace {

using namespace smtpauth;

void require(bool property)
{
    if (!property)
        std::abort();
}

std::string saved(const RiskState& state)
{
    std::string bytes;
    for (std::size_t shard = 0; shard < RiskState::shard_count; ++shard)
        state.save(shard, bytes);
    return bytes;
}

/// Mail of the account that stands first, some time after its last.
event::Record mail_of(std::string_view bytes)
{
    event::Record mail;
    mail.auth_id = VarintReader(bytes).text();
    mail.client_address = "192.0.2.7";
    mail.country = "JP";
    mail.recipients.append("bob@example.net");
    mail.eom_time = event::Time(std::chrono::hours(490'000));
    return mail;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    RiskState state;
    state.load({reinterpret_cast<const char*>(data), size});
    const std::string bytes = saved(state);
    RiskState again;
    require(again.load(bytes));
    require(again.figures().accounts == state.figures().accounts);
    again.put_in_order();
    if (bytes.empty())
        return 0;
    const event::Record mail = mail_of(bytes);
    for (int message = 0; message < 3; ++message) {
        const RiskAssessment found = again.assess(mail);
        require(std::isfinite(found.cost) && found.cost >= 0 && found.spent >= found.cost);
        again.apply(mail);
    }
    return 0;
}
