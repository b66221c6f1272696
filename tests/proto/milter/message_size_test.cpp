#include "proto/milter/message_size.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth::milter;

namespace {

std::uint64_t size_of(const Header& header, bool leading_space)
{
    MessageSize size;
    size.add(header, leading_space);
    return size.value();
}

} // namespace

TEST_CASE("a header counts as its client sent it, with CRLF", "[milter][size]")
{
    CHECK(size_of({"Subject", " t"}, true) == std::string_view("Subject: t\r\n").size());
    CHECK(size_of({"Subject", "t"}, false) == std::string_view("Subject: t\r\n").size());
    CHECK(size_of({"Subject", "t"}, true) == std::string_view("Subject:t\r\n").size());
    CHECK(size_of({"Subject", "\tt"}, true) == std::string_view("Subject:\tt\r\n").size());
    CHECK(size_of({"Subject", ""}, true) == std::string_view("Subject:\r\n").size());
}

TEST_CASE("a folded header counts the line ends that the MTA shows as LF", "[milter][size]")
{
    CHECK(size_of({"Received", " from a\n\tby b\n  for c"}, true) ==
          std::string_view("Received: from a\r\n\tby b\r\n  for c\r\n").size());
}

TEST_CASE("a message is its headers, the empty line and its body", "[milter][size]")
{
    MessageSize size;
    CHECK(size.value() == 0);
    size.add(Header{"Subject", " t"}, true);
    size.add(Header{"From", " <alice@example.org>"}, true);
    size.add_empty_line();
    size.add(Bytes("hel"));
    size.add(Bytes("lo\r\n"));
    CHECK(size.value() == std::string_view("Subject: t\r\nFrom: <alice@example.org>\r\n\r\nhello\r\n").size());
}

TEST_CASE("a size may exceed four gigabytes", "[milter][size]")
{
    MessageSize size;
    const std::string chunk(65535, 'x');
    for (int count = 0; count < 70000; ++count)
        size.add(Bytes(chunk));
    CHECK(size.value() == std::uint64_t{65535} * 70000);
}
