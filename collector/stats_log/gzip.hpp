// gzip, a block at a time: the only place that knows zlib. Pure: no files.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct z_stream_s;

namespace smtpauth {

/// Makes one gzip member. Throws std::bad_alloc where there is no memory.
class GzipEncoder {
public:
    GzipEncoder();

    /// Appends to `out` what the bytes become, perhaps later than now.
    void encode(std::string_view bytes, std::string& out) { run(bytes, false, out); }

    /// Appends the rest. Nothing may follow.
    void finish(std::string& out) { run({}, true, out); }

private:
    struct End {
        void operator()(z_stream_s* stream) const;
    };

    void run(std::string_view bytes, bool last, std::string& out);

    std::unique_ptr<z_stream_s, End> stream_;
};

/// Reads one gzip member.
class GzipDecoder {
public:
    GzipDecoder();

    /// Appends to `out` what the bytes stand for. @return  false where they are no gzip, or something follows its end.
    bool decode(std::string_view bytes, std::string& out);

    /// The member is complete, and its checksum right.
    bool finished() const { return finished_; }

private:
    struct End {
        void operator()(z_stream_s* stream) const;
    };

    std::unique_ptr<z_stream_s, End> stream_;
    bool finished_ = false;
};

} // namespace smtpauth
