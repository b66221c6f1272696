// Strings back to back in one allocation, each followed by a NUL: how the milter protocol sends
// lists, and the cheapest way to keep a thousand recipients. Knows nothing of what they mean.
#pragma once

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>

namespace smtpauth {

class PackedStrings {
public:
    /// @param text  must not contain a NUL: what follows one would become a string of its own.
    void append(std::string_view text)
    {
        bytes_.append(text).push_back('\0');
        ++count_;
    }

    void clear()
    {
        bytes_.clear();
        count_ = 0;
    }

    std::size_t size() const { return count_; }
    bool empty() const { return count_ == 0; }

    /// Octets held, NULs included: what a limit on memory counts.
    std::size_t size_bytes() const { return bytes_.size(); }

    class Iterator {
    public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = std::string_view;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = std::string_view;

        Iterator() = default;
        explicit Iterator(const char* at) : at_(at) {}
        std::string_view operator*() const { return at_; }
        Iterator& operator++()
        {
            at_ += std::string_view(at_).size() + 1;
            return *this;
        }
        Iterator operator++(int)
        {
            const Iterator before = *this;
            ++*this;
            return before;
        }
        bool operator==(const Iterator&) const = default;

    private:
        const char* at_ = nullptr;
    };

    /// The views point into this object, until it is next changed.
    Iterator begin() const { return Iterator(bytes_.data()); }
    Iterator end() const { return Iterator(bytes_.data() + bytes_.size()); }

    bool operator==(const PackedStrings&) const = default;

private:
    std::string bytes_;
    std::size_t count_ = 0;
};

} // namespace smtpauth
