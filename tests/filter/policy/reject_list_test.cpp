#include "filter/policy/reject_list.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;

namespace {

event::Record mail_of(const std::string& auth_id)
{
    event::Record mail;
    mail.auth_id = auth_id;
    mail.sender = "spammer";
    return mail;
}

} // namespace

TEST_CASE("an account on the list is refused at MAIL and again at end of message", "[filter][policy]")
{
    auto ids = std::make_shared<const IdList>(IdList::parse("spammer\n", {}));
    const RejectListCheck check([&] { return ids; }, "550 5.7.1 Access denied");

    for (const Verdict& verdict : {check.at_mail(mail_of("spammer")), check.at_end_of_message(mail_of("spammer"))}) {
        CHECK(verdict.action == event::Action::reject);
        CHECK(verdict.reply == "550 5.7.1 Access denied");
        CHECK(verdict.rule == "reject_ids");
    }
    CHECK(check.at_mail(mail_of("alice")).passes());
    CHECK(check.at_recipient(mail_of("spammer"), "b@example.org").passes());

    SECTION("and the list in force at that moment counts")
    {
        ids = std::make_shared<const IdList>(IdList::parse("alice\n", {}));
        CHECK(check.at_mail(mail_of("spammer")).passes());
        CHECK_FALSE(check.at_mail(mail_of("alice")).passes());
    }
}

TEST_CASE("mail without an identity is no business of the list", "[filter][policy]")
{
    auto ids = std::make_shared<const IdList>(IdList::parse("spammer\n", {}));
    const RejectListCheck check([&] { return ids; }, "550 5.7.1 Access denied");
    CHECK(check.at_mail(mail_of("")).passes());
    CHECK(check.at_end_of_message(mail_of("")).passes());
}
