#include "filter/profile.hpp"

namespace smtpauth {

namespace {

milter::Wish make_wish(bool count_size)
{
    using namespace milter;
    Wish wish;
    // QUARANTINE always: a rule may hold mail later in the connection's life, and Sendmail complains if it was not
    // asked for.
    wish.actions = action::quarantine | action::set_macro_lists;
    wish.protocol = protocol::no_helo | protocol::no_data | protocol::no_unknown | protocol::no_end_of_headers |
                    protocol::no_reply_connect | protocol::no_reply_rcpt | protocol::rejected_recipients;
    wish.protocol |= count_size ? protocol::no_reply_header | protocol::no_reply_body | protocol::header_leading_space
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

const milter::Wish& wish(bool count_size)
{
    static const milter::Wish counting = make_wish(true);
    static const milter::Wish not_counting = make_wish(false);
    return count_size ? counting : not_counting;
}

} // namespace smtpauth
