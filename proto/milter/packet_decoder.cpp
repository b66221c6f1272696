#include "proto/milter/packet_decoder.hpp"

namespace smtpauth::milter {

namespace {

constexpr std::size_t length_size = 4;

/// A kept buffer above this is given back once it is empty: a thousand connections must not each hold
/// the largest packet that they ever saw.
constexpr std::size_t kept_capacity = 4096;

} // namespace

void PacketDecoder::feed(Bytes bytes)
{
    if (failed())
        return;
    if (rest_.empty()) {
        rest_ = bytes;
        borrowed_ = true;
        return;
    }
    keep_rest();
    buffer_.append(bytes);
    rest_ = buffer_;
}

std::optional<Packet> PacketDecoder::next()
{
    if (failed() || rest_.size() < length_size) {
        keep_rest();
        return std::nullopt;
    }

    // Judge the length before waiting for the data that it announces.
    const std::uint32_t length = read_u32(rest_);
    if (length == 0 || length > max_length_) {
        error_ = "milter packet length " + std::to_string(length) + ", expected 1 to " + std::to_string(max_length_);
        rest_ = {};
        return std::nullopt;
    }
    if (rest_.size() - length_size < length) {
        keep_rest();
        return std::nullopt;
    }

    const Packet packet{rest_[length_size], rest_.substr(length_size + 1, length - 1)};
    rest_.remove_prefix(length_size + length);
    return packet;
}

void PacketDecoder::keep_rest()
{
    if (borrowed_)
        buffer_.assign(rest_);
    else
        buffer_.erase(0, buffer_.size() - rest_.size());
    if (buffer_.empty() && buffer_.capacity() > kept_capacity)
        buffer_.shrink_to_fit();
    rest_ = buffer_;
    borrowed_ = false;
}

} // namespace smtpauth::milter
