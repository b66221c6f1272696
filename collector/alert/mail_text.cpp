#include "collector/alert/mail_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>

namespace smtpauth {

namespace {

/// Octets of text in one encoded word, so that the word has at most 75 characters (RFC 2047, 2).
constexpr std::size_t encoded_word_octets = 45;

/// Of lines of base64 (RFC 2045, 6.8).
constexpr std::size_t base64_line = 76;

/// Octets of a line as they may stand in mail without encoding (RFC 5322, 2.1.1).
constexpr std::size_t longest_line = 998;

bool is_ascii(std::string_view text)
{
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool has_long_line(std::string_view text)
{
    while (!text.empty()) {
        const std::size_t size = std::min(text.find('\n'), text.size());
        if (size > longest_line)
            return true;
        text.remove_prefix(std::min(size + 1, text.size()));
    }
    return false;
}

std::string with_crlf(std::string_view text)
{
    std::string lines;
    for (const char c : text) {
        if (c == '\n')
            lines += '\r';
        lines += c;
    }
    return lines;
}

std::string base64_lines(std::string_view bytes)
{
    const std::string all = base64(bytes);
    std::string lines;
    for (std::size_t at = 0; at < all.size(); at += base64_line)
        lines.append(all, at, base64_line).append("\r\n");
    return lines;
}

/// What this alarm has for itself.
std::string name_of(const Alarm& alarm)
{
    switch (alarm.event) {
    case Alarm::Event::opened:
        return alarm.incident + ".opened";
    case Alarm::Event::worse:
        return fmt::format("{}.worse-{}", alarm.incident, static_cast<unsigned>(alarm.grade));
    case Alarm::Event::reminder:
        return fmt::format("{}.reminder-{}", alarm.incident, alarm.told.time_since_epoch().count());
    case Alarm::Event::closed:
        return alarm.incident + ".closed";
    }
    return alarm.incident;
}

/// FNV-1a, 64 bits.
std::uint64_t hash_of(std::string_view text)
{
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

/// Another one for each mail that tells of other alarms.
std::string message_id(const Notice& notice, const std::string& host)
{
    const std::string name = name_of(notice.alarms.front());
    if (notice.alarms.size() == 1)
        return fmt::format("<{}@{}>", name, host);
    std::string all;
    for (const Alarm& alarm : notice.alarms)
        all += name_of(alarm) + '\n';
    return fmt::format("<{}.{:016x}@{}>", name, hash_of(all), host);
}

} // namespace

std::string base64(std::string_view bytes)
{
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t size = std::min<std::size_t>(3, bytes.size() - at);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i)
            group = group << 8 | (i < size ? static_cast<unsigned char>(bytes[at + i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i)
            text += i <= size ? digits[group >> (18 - 6 * i) & 0x3f] : '=';
    }
    return text;
}

std::string header_text(std::string_view text)
{
    if (is_ascii(text))
        return std::string(text);
    std::string header;
    while (!text.empty()) {
        std::size_t size = std::min(encoded_word_octets, text.size());
        while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80)
            --size; // a character must not stand in two words
        header += fmt::format("{}=?utf-8?B?{}?=", header.empty() ? "" : "\r\n ", base64(text.substr(0, size)));
        text.remove_prefix(size);
    }
    return header;
}

std::string mail_date(std::chrono::sys_seconds time)
{
    constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000", days.at(std::chrono::weekday(day).c_encoding()),
                       static_cast<unsigned>(date.day()), months.at(static_cast<unsigned>(date.month()) - 1),
                       static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                       clock.seconds().count());
}

Notice without_recipients(Notice notice)
{
    for (Alarm& alarm : notice.alarms)
        alarm.recipients.clear();
    return notice;
}

std::string mail_of(const Notice& notice, const AlarmPlace& place, const MailAddresses& addresses)
{
    const Alarm& first = notice.alarms.front();
    const std::string text = text_of(notice, place);
    const bool plain = is_ascii(text) && !has_long_line(text);

    std::string mail = fmt::format("Date: {}\r\n", mail_date(notice.raised));
    mail += fmt::format("From: {}\r\n", addresses.from);
    mail += fmt::format("To: {}\r\n", fmt::join(addresses.to, ",\r\n "));
    mail += fmt::format("Subject: {}\r\n", header_text("[smtpauth] " + subject_of(notice)));
    mail += fmt::format("Message-ID: {}\r\n", message_id(notice, place.host));
    if (first.event != Alarm::Event::opened) // one conversation
        mail += fmt::format("In-Reply-To: <{0}.opened@{1}>\r\nReferences: <{0}.opened@{1}>\r\n", first.incident,
                            place.host);
    mail += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n";
    mail += fmt::format("Content-Transfer-Encoding: {}\r\n\r\n", plain ? "7bit" : "base64");
    mail += plain ? with_crlf(text) : base64_lines(with_crlf(text));
    return mail;
}

} // namespace smtpauth
