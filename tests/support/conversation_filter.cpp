#include "tests/support/conversation_filter.hpp"

#include <algorithm>

#include "filter/conversation.hpp"

namespace smtpauth::test {

class ConversationFilter::InProcess final : public Connection {
public:
    InProcess(TestSite& site, std::size_t piece, std::deque<event::Record>& records)
        : conversation_(site.site(), site.size_source()),
          piece_(piece),
          records_(records)
    {
    }

    void send(std::string_view bytes) override
    {
        const std::size_t piece = piece_ == 0 ? bytes.size() : piece_;
        for (std::size_t at = 0; at < bytes.size() && !closed_; at += piece)
            arrive(std::string(bytes.substr(at, piece)));
    }

    std::optional<std::string> receive() override
    {
        std::string& output = conversation_.output();
        if (output.empty() && !closed_)
            return std::nullopt;
        return std::exchange(output, {});
    }

    std::string close_reason() const override { return reason_; }

private:
    /// The bytes are gone afterwards, as a loop's buffer would be.
    void arrive(const std::string& bytes)
    {
        conversation_.receive(bytes);
        for (;;) {
            const Conversation::Step step = conversation_.next();
            if (std::holds_alternative<Conversation::Idle>(step))
                return;
            if (const auto* close = std::get_if<Conversation::Close>(&step)) {
                closed_ = true;
                reason_ = close->error;
                return;
            }
            records_.push_back(std::get<Conversation::Commit>(step).record);
            conversation_.committed();
        }
    }

    Conversation conversation_;
    std::size_t piece_;
    std::deque<event::Record>& records_;
    bool closed_ = false;
    std::string reason_;
};

std::unique_ptr<Connection> ConversationFilter::connect()
{
    return std::make_unique<InProcess>(site_, piece_, records_);
}

std::optional<event::Record> ConversationFilter::take_record()
{
    if (records_.empty())
        return std::nullopt;
    event::Record record = std::move(records_.front());
    records_.pop_front();
    return record;
}

} // namespace smtpauth::test
