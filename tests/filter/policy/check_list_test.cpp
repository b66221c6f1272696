#include "filter/policy/check_list.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;
using event::Action;

namespace {

/// Says the same everywhere, and counts how often it was asked.
class Says final : public Check {
public:
    Says(Action action, std::string_view rule, int& asked) : action_(action), rule_(rule), asked_(asked) {}

    Verdict at_mail(const event::Record& /*mail*/) const override { return say(); }
    Verdict at_recipient(const event::Record& /*mail*/, std::string_view /*recipient*/) const override { return say(); }
    Verdict at_end_of_message(const event::Record& /*mail*/) const override { return say(); }

private:
    Verdict say() const
    {
        ++asked_;
        return {action_, "", rule_};
    }

    Action action_;
    std::string_view rule_;
    int& asked_;
};

class Silent final : public Check {};

struct Asked {
    int first = 0;
    int second = 0;
    int third = 0;
};

CheckList list_of(Action first, Action second, Action third, Asked& asked)
{
    std::vector<std::unique_ptr<const Check>> checks;
    checks.push_back(std::make_unique<Says>(first, "first", asked.first));
    checks.push_back(std::make_unique<Says>(second, "second", asked.second));
    checks.push_back(std::make_unique<Says>(third, "third", asked.third));
    return CheckList(std::move(checks));
}

} // namespace

TEST_CASE("a list without checks, and a check without an opinion, accept", "[filter][policy]")
{
    std::vector<std::unique_ptr<const Check>> checks;
    checks.push_back(std::make_unique<Silent>());
    const CheckList silent(std::move(checks));
    const CheckList empty;
    for (const CheckList* list : {&empty, &silent}) {
        CHECK(list->at_mail({}).action == Action::accept);
        CHECK(list->at_recipient({}, "b@example.org").passes());
        CHECK(list->at_end_of_message({}).passes());
    }
}

TEST_CASE("the first refusal decides, and nobody is asked after it", "[filter][policy]")
{
    Asked asked;
    const CheckList list = list_of(Action::accept, Action::tempfail, Action::reject, asked);
    const Verdict verdict = list.at_mail({});
    CHECK(verdict.action == Action::tempfail);
    CHECK(verdict.rule == "second");
    CHECK(asked.first == 1);
    CHECK(asked.third == 0);
}

TEST_CASE("a warning does not hide a refusal behind it", "[filter][policy]")
{
    Asked asked;
    CHECK(list_of(Action::warn, Action::accept, Action::reject, asked).at_end_of_message({}).rule == "third");
}

TEST_CASE("without a refusal the first warning stands", "[filter][policy]")
{
    Asked asked;
    const Verdict verdict = list_of(Action::accept, Action::warn, Action::warn, asked).at_recipient({}, "b");
    CHECK(verdict.action == Action::warn);
    CHECK(verdict.rule == "second");
    CHECK(asked.third == 1);
}
