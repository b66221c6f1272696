// Rows as people read them: columns as wide as what stands in them. Knows UTF-8 as far as one code point is one column.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace smtpauth {

class Columns {
public:
    /// @param titles  ">" before one: its column is right-aligned, as numbers are.
    explicit Columns(const std::vector<std::string>& titles);

    /// @param row  as many cells as there are titles; harmless on a terminal.
    void add(std::vector<std::string> row);

    bool empty() const { return rows_.size() == 1; }

    /// @param indent  blanks before each line. @return  the titles, then the rows; no blanks at the ends of lines.
    std::string to_text(std::size_t indent = 0) const;

private:
    std::vector<bool> right_;
    std::vector<std::vector<std::string>> rows_; ///< the titles first
};

/// How many columns of a terminal the text takes, about.
std::size_t display_width(const std::string& text);

} // namespace smtpauth
