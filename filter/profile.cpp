#include "filter/profile.hpp"

#include <array>

namespace smtpauth {

namespace {

milter::Wish make_wish(const Needs& needs)
{
    using namespace milter;
    Wish wish;
    // QUARANTINE always: a rule may hold mail later in the connection's life, and Sendmail complains if it was not
    // asked for.
    wish.actions = action::quarantine | action::set_macro_lists;
    wish.protocol = protocol::no_helo | protocol::no_data | protocol::no_unknown | protocol::no_end_of_headers |
                    protocol::no_reply_connect | protocol::rejected_recipients;
    wish.protocol |= needs.answers_recipients ? 0 : protocol::no_reply_rcpt;
    wish.protocol |= needs.counts_size
                         ? protocol::no_reply_header | protocol::no_reply_body | protocol::header_leading_space
                         : protocol::no_headers | protocol::no_body;

    const auto list = [&wish](MacroStage stage, std::string_view names) {
        wish.macro_lists[static_cast<std::size_t>(stage)] = names;
    };
    // An empty list would keep Postfix's own, so stages of which nothing is needed get one short name.
    list(MacroStage::connect, "{daemon_name}");
    list(MacroStage::helo, "{cert_subject} {verify}");
    list(MacroStage::mail, "i {auth_authen}");
    list(MacroStage::rcpt, "{rcpt_mailer}");
    list(MacroStage::data, "i");
    // Sendmail takes the list of end of message only together with one for the end of headers.
    list(MacroStage::end_of_message, "i {msg_size}");
    list(MacroStage::end_of_headers, "i {msg_size}");
    return wish;
}

} // namespace

const milter::Wish& wish(const Needs& needs)
{
    static const std::array<milter::Wish, 4> wishes{make_wish({false, false}), make_wish({false, true}),
                                                    make_wish({true, false}), make_wish({true, true})};
    return wishes[(needs.counts_size ? 2U : 0U) + (needs.answers_recipients ? 1U : 0U)];
}

} // namespace smtpauth
