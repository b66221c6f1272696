#include "ctl/columns.hpp"

#include <algorithm>
#include <utility>

namespace smtpauth {

Columns::Columns(const std::vector<std::string>& titles)
{
    std::vector<std::string> row;
    for (const std::string& title : titles) {
        right_.push_back(title.starts_with('>'));
        row.push_back(title.substr(right_.back() ? 1 : 0));
    }
    rows_.push_back(std::move(row));
}

void Columns::add(std::vector<std::string> row)
{
    rows_.push_back(std::move(row));
}

std::string Columns::to_text(std::size_t indent) const
{
    std::vector<std::size_t> widths(right_.size());
    for (const auto& row : rows_)
        for (std::size_t at = 0; at < widths.size(); ++at)
            widths[at] = std::max(widths[at], display_width(row[at]));
    std::string text;
    for (const auto& row : rows_) {
        std::string line(indent, ' ');
        for (std::size_t at = 0; at < widths.size(); ++at) {
            const std::string blanks(widths[at] - display_width(row[at]), ' ');
            line += (at == 0 ? "" : "  ") + (right_[at] ? blanks + row[at] : row[at] + blanks);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
    return text;
}

std::size_t display_width(const std::string& text)
{
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

} // namespace smtpauth
