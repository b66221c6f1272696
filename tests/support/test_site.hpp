// What a filter shares between its connections, as main would wire it, but under a test's hand: a clock that stands
// still, lists that change when told, and a country for the documentation networks.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "filter/policy/reject_list.hpp"
#include "filter/profile.hpp"
#include "filter/site.hpp"

namespace smtpauth::test {

/// Holds the mail of some accounts. No rule of ours does so yet.
class HoldCheck final : public Check {
public:
    explicit HoldCheck(std::shared_ptr<const std::set<std::string>> ids) : ids_(std::move(ids)) {}

    Verdict at_end_of_message(const event::Record& mail) const override
    {
        if (!ids_->contains(mail.auth_id))
            return {};
        return {event::Action::hold, "held by a test", "hold"};
    }

private:
    std::shared_ptr<const std::set<std::string>> ids_;
};

class TestSite {
public:
    explicit TestSite(FilterConfig config = {})
        : ids_(std::make_shared<IdList>()),
          hold_ids_(std::make_shared<std::set<std::string>>()),
          size_source_(config.message_size)
    {
        std::vector<std::unique_ptr<const Check>> checks;
        checks.push_back(
            std::make_unique<RejectListCheck>([this] { return ids_; }, "550 5.7.1 This account may not send mail"));
        checks.push_back(std::make_unique<HoldCheck>(hold_ids_));
        site_.checks = std::make_shared<CheckList>(std::move(checks));
        site_.config = std::make_shared<FilterConfig>(std::move(config));
    }
    TestSite(const TestSite&) = delete;
    TestSite& operator=(const TestSite&) = delete;

    /// Puts an account on the reject list, or takes it off.
    void list(const std::string& id)
    {
        change_list([&](auto& ids) { ids.insert(id); });
    }
    void unlist(const std::string& id)
    {
        change_list([&](auto& ids) { ids.erase(id); });
    }

    /// Whether connections that come now are asked to wait for an answer to each recipient.
    void answer_recipients(bool are_answered)
    {
        FilterConfig config = *site_.config;
        config.answers_recipients = are_answered;
        site_.config = std::make_shared<const FilterConfig>(std::move(config));
    }

    /// Mail of this account is held.
    void hold(const std::string& id) { hold_ids_->insert(id); }

    /// In place of the lists' own.
    void set_checks(std::vector<std::unique_ptr<const Check>> checks)
    {
        site_.checks = std::make_shared<CheckList>(std::move(checks));
    }

    const Site& site() const { return site_; }
    Reservations& reservations() { return reservations_; }
    AccountState& accounts() { return accounts_; }
    BlockList& blocks() { return blocks_; }
    RefusalFolding& folding() { return folding_; }

    /// Records that no answer waited for, since the last call.
    std::vector<event::Record> take_kept() { return std::exchange(kept_, {}); }
    SizeSource& size_source() { return size_source_; }
    ManualClock& clock() { return clock_; }

private:
    template <class Change>
    void change_list(Change change)
    {
        change(listed_);
        std::string text;
        for (const std::string& id : listed_)
            text += id + "\n";
        ids_ = std::make_shared<IdList>(IdList::parse(text, site_.config->auth_id_normalize));
    }

    void keep(const event::Record& record)
    {
        accounts_.apply(record);
        blocks_.apply(record);
        kept_.push_back(record);
    }

    static Place locate(const IpAddress& address)
    {
        const std::string text = address.to_string();
        if (text.starts_with("192.0.2."))
            return {"NO", 64496};
        if (text.starts_with("2001:db8:"))
            return {"CH", 64497};
        return {};
    }

    ManualClock clock_;
    std::set<std::string> listed_;
    std::shared_ptr<const IdList> ids_;
    std::shared_ptr<std::set<std::string>> hold_ids_;
    SizeSource size_source_;
    AccountState accounts_;
    Reservations reservations_;
    BlockList blocks_;
    AutomaticBlocks automatic_blocks_{blocks_};
    RefusalFolding folding_;
    std::vector<event::Record> kept_;
    Site site_{clock_,
               nullptr,
               nullptr,
               locate,
               accounts_,
               reservations_,
               automatic_blocks_,
               folding_,
               [this](const event::Record& record) { keep(record); }};
};

} // namespace smtpauth::test
