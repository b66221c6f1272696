#include "collector/stats_log/gzip.hpp"

#include <zlib.h>

#include <array>
#include <new>

namespace smtpauth {

namespace {

/// zlib's largest window, with a gzip header. Source: zlib.h, deflateInit2.
constexpr int window_bits = 15 + 16;

constexpr int memory_level = 8; // zlib's default
constexpr std::size_t block_size = 65536;

/// zlib takes its input by a pointer that is not const, and does not write there.
void set_input(z_stream& stream, std::string_view bytes)
{
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
}

/// Has zlib fill blocks until one is not full. @return  what it said last.
template <class Step>
int drain(z_stream& stream, std::string& out, Step step)
{
    std::array<char, block_size> block;
    int said = Z_OK;
    do {
        stream.next_out = reinterpret_cast<Bytef*>(block.data());
        stream.avail_out = block.size();
        said = step();
        out.append(block.data(), block.size() - stream.avail_out);
    } while (stream.avail_out == 0);
    return said;
}

} // namespace

void GzipEncoder::End::operator()(z_stream_s* stream) const
{
    deflateEnd(stream);
    delete stream;
}

GzipEncoder::GzipEncoder()
{
    auto stream = std::make_unique<z_stream>();
    if (deflateInit2(stream.get(), Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        throw std::bad_alloc();
    stream_.reset(stream.release());
}

void GzipEncoder::run(std::string_view bytes, bool last, std::string& out)
{
    set_input(*stream_, bytes);
    drain(*stream_, out, [this, last] { return deflate(stream_.get(), last ? Z_FINISH : Z_NO_FLUSH); });
}

void GzipDecoder::End::operator()(z_stream_s* stream) const
{
    inflateEnd(stream);
    delete stream;
}

GzipDecoder::GzipDecoder()
{
    auto stream = std::make_unique<z_stream>();
    if (inflateInit2(stream.get(), window_bits) != Z_OK)
        throw std::bad_alloc();
    stream_.reset(stream.release());
}

bool GzipDecoder::decode(std::string_view bytes, std::string& out)
{
    if (finished_)
        return bytes.empty();
    set_input(*stream_, bytes);
    const int said = drain(*stream_, out, [this] { return inflate(stream_.get(), Z_NO_FLUSH); });
    finished_ = said == Z_STREAM_END;
    return finished_ ? stream_->avail_in == 0 : said == Z_OK || said == Z_BUF_ERROR;
}

} // namespace smtpauth
