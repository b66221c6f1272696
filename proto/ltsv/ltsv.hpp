// Labeled tab-separated values: one line, `label:value` fields between tabs, any label any number of times.
// Knows the escapes, no label's meaning. Source: ltsv.org; the escapes are ours (docs/formats/stats-log.md).
//
//     line  := field (TAB field)* LF
//     field := label ":" value
//     label := [0-9A-Za-z_.-]+
//     value := (octet | "\t" | "\n" | "\r" | "\\" | "\xHH")*
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace smtpauth::ltsv {

/// Appends `value` so that it can forge neither a field nor a line: TAB, LF, CR and backslash become two
/// characters, other control octets, DEL and whatever is not valid UTF-8 `\xHH`. Valid UTF-8 stays raw.
void append_escaped(std::string& out, std::string_view value);

/// The value that was escaped. Nothing where a backslash begins no escape of ours.
std::optional<std::string> unescape(std::string_view escaped);

/// Writes one line: the fields in the order in which they are given, then end().
class LineWriter {
public:
    /// Appends to `out`, which must outlive this.
    explicit LineWriter(std::string& out) : out_(out), start_(out.size()) {}

    /// @param label  one that the grammar allows.
    void field(std::string_view label, std::string_view value);
    void end() { out_.push_back('\n'); }

private:
    std::string& out_;
    std::size_t start_;
};

/// One field as it stands in the line; the value is still escaped.
struct RawField {
    std::string_view label;
    std::string_view value;
};

/// Walks over the fields of a line without copying anything.
class LineReader {
public:
    /// @param line  with or without its line feed.
    explicit LineReader(std::string_view line);

    /// The next field, or nothing: at the end, or failed().
    std::optional<RawField> next();

    bool failed() const { return !error_.empty(); }
    /// Where, what was found and what was expected; empty unless failed(). Quotes nothing of the line.
    const std::string& error() const { return error_; }

private:
    std::string_view line_;
    std::size_t at_ = 0; ///< where the next field begins; past the end: there is none
    std::string error_;
};

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Malformed {
    std::string error;
};

/// All fields of a line, unescaped, in their order. An empty line has none.
std::variant<Fields, Malformed> read_line(std::string_view line);

} // namespace smtpauth::ltsv
