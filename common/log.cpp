#include "common/log.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <utility>

#define BOOST_LOG_USE_NATIVE_SYSLOG
#include <boost/log/attributes/value_extraction.hpp>
#include <boost/log/core.hpp>
#include <boost/log/expressions/message.hpp>
#include <boost/log/sinks/basic_sink_backend.hpp>
#include <boost/log/sinks/sync_frontend.hpp>
#include <boost/log/sinks/syslog_backend.hpp>
#include <boost/log/sources/record_ostream.hpp>
#include <boost/log/sources/severity_logger.hpp>
#include <boost/make_shared.hpp>

#include "common/escape.hpp"
#include "common/file_descriptor.hpp"

namespace smtpauth::log {

namespace {

namespace blog = boost::log;
namespace sinks = boost::log::sinks;
namespace syslog = boost::log::sinks::syslog;

/// With what stands before it, a line stays below PIPE_BUF: it is written whole or not at all.
constexpr std::size_t longest_text = 3800;
constexpr std::size_t most_recent_problems = 16;
constexpr std::string_view file_prefix = "file:";
constexpr const char* severity = "Severity";

/// What stands before the text of a line.
enum class Style { dated, priority, plain };

Level level_of(const blog::record_view& record)
{
    return blog::extract_or_default<Level>(severity, record, Level::info);
}

int priority(Level level)
{
    constexpr std::array<int, 4> priorities{7, 6, 4, 3}; // LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR
    return priorities.at(static_cast<std::size_t>(level));
}

std::string local_time()
{
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::localtime_r(&now, &parts);
    std::array<char, 40> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S %z", &parts)};
}

auto formatter(Style style, const std::string& program)
{
    return [style, program](const blog::record_view& record, blog::formatting_ostream& line) {
        const Level level = level_of(record);
        if (style == Style::dated)
            line << local_time() << ' ' << program << '[' << ::getpid() << "]: ";
        else if (style == Style::priority)
            line << '<' << priority(level) << '>';
        if (level >= Level::warning)
            line << (level == Level::warning ? "warning: " : "error: ");
        line << record[blog::expressions::smessage];
    };
}

FileDescriptor open_file(const std::string& path)
{
    FileDescriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0640));
    if (!file)
        throw std::runtime_error("log file " + path + ": " + std::generic_category().message(errno));
    return file;
}

/// Lines to a descriptor, each with one write(), so that lines of several processes never mix.
class LineBackend : public sinks::basic_formatted_sink_backend<char, sinks::synchronized_feeding> {
public:
    LineBackend() = default; // stderr
    explicit LineBackend(const std::string& path) : path_(path), file_(open_file(path)) {}

    void consume(const blog::record_view&, const string_type& formatted)
    {
        const int fd = file_ ? file_.get() : STDERR_FILENO;
        // A pipe that nobody reads must not stop the mail.
        if (pollfd ready{fd, POLLOUT, 0}; ::poll(&ready, 1, 0) != 1) {
            ++dropped_;
            return;
        }
        std::string line;
        if (dropped_ > 0)
            line = fmt::format("{} lines are missing here: they could not be written\n", std::exchange(dropped_, 0));
        line += formatted + '\n';
        // A log that cannot be written has nobody to tell.
        [[maybe_unused]] const ssize_t written = ::write(fd, line.data(), line.size());
    }

    /// Throws std::runtime_error, and then keeps the file that is open.
    void reopen()
    {
        if (file_)
            file_ = open_file(path_);
    }

private:
    std::string path_;
    FileDescriptor file_;
    std::uint64_t dropped_ = 0; // lines, since the last that was written
};

using LineSink = sinks::synchronous_sink<LineBackend>;
using SyslogSink = sinks::synchronous_sink<sinks::syslog_backend>;

boost::shared_ptr<LineSink> make_line_sink(const boost::shared_ptr<LineBackend>& backend, Style style,
                                           const std::string& program)
{
    auto sink = boost::make_shared<LineSink>(backend);
    sink->set_formatter(formatter(style, program));
    return sink;
}

boost::shared_ptr<SyslogSink> make_syslog_sink(const std::string& program)
{
    auto backend = boost::make_shared<sinks::syslog_backend>(blog::keywords::facility = syslog::mail,
                                                             blog::keywords::use_impl = syslog::native,
                                                             blog::keywords::ident = program);
    backend->set_severity_mapper(
        [](const blog::record_view& record) { return syslog::make_level(priority(level_of(record))); });
    auto sink = boost::make_shared<SyslogSink>(backend);
    sink->set_formatter(formatter(Style::plain, program));
    return sink;
}

/// True when stderr is systemd's journal, which then reads <N> priorities: sd_journal_stream_fd(3).
bool stderr_is_journal()
{
    const char* const stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    return stream != nullptr && ::fstat(STDERR_FILENO, &status) == 0 &&
           fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

class Log {
public:
    Log() : sink_(make_line_sink(boost::make_shared<LineBackend>(), Style::plain, ""))
    {
        blog::core::get()->add_sink(sink_);
    }

    void start(const Settings& settings)
    {
        const bool journal = settings.to == "auto" && stderr_is_journal();
        const bool file = settings.to.starts_with(file_prefix);
        boost::shared_ptr<LineSink> lines;
        if (file)
            lines = make_line_sink(boost::make_shared<LineBackend>(settings.to.substr(file_prefix.size())),
                                   Style::dated, settings.program);
        else if (settings.to == "stderr" || journal)
            lines = make_line_sink(boost::make_shared<LineBackend>(), journal ? Style::priority : Style::dated,
                                   settings.program);
        boost::shared_ptr<sinks::sink> sink = lines;
        if (!sink)
            sink = make_syslog_sink(settings.program);

        const std::lock_guard lock(mutex_);
        // In this order a line of another thread may come out twice, but never nowhere.
        blog::core::get()->add_sink(sink);
        blog::core::get()->remove_sink(sink_);
        sink_ = sink;
        lines_ = lines;
        level = settings.level;
    }

    void reopen()
    {
        const std::lock_guard lock(mutex_);
        if (lines_)
            lines_->locked_backend()->reopen(); // locked: other threads write meanwhile
    }

    void write(Level line_level, std::string_view text)
    {
        const bool cut = text.size() > longest_text;
        const std::string line = escape_controls(text.substr(0, longest_text)) + (cut ? "..." : "");
        if (line_level >= Level::warning)
            remember(line_level, line);
        BOOST_LOG_SEV(logger_, line_level) << line;
    }

    std::vector<Line> recent_problems()
    {
        const std::lock_guard lock(recent_mutex_);
        return {recent_.begin(), recent_.end()};
    }

    std::atomic<Level> level = Level::info;

private:
    void remember(Level line_level, const std::string& line)
    {
        const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
        const std::lock_guard lock(recent_mutex_);
        if (recent_.size() == most_recent_problems)
            recent_.pop_front();
        recent_.push_back({now, line_level, line});
    }

    std::mutex recent_mutex_;
    std::deque<Line> recent_;
    std::mutex mutex_;
    boost::shared_ptr<sinks::sink> sink_; // in use
    boost::shared_ptr<LineSink> lines_;   // the same, where it is a log file or stderr
    blog::sources::severity_logger_mt<Level> logger_;
};

Log& instance()
{
    static Log log;
    return log;
}

} // namespace

void start(const Settings& settings)
{
    instance().start(settings);
}

std::vector<Line> recent_problems()
{
    return instance().recent_problems();
}

void reopen()
{
    try {
        instance().reopen();
    } catch (const std::exception& problem) {
        error("{}; the old one stays open", problem.what());
    }
}

bool enabled(Level level)
{
    return level >= instance().level;
}

void write(Level level, std::string_view text) noexcept
{
    try {
        if (enabled(level))
            instance().write(level, text);
    } catch (...) { // NOLINT(bugprone-empty-catch): no memory for a line of the log must not end the daemon
    }
}

} // namespace smtpauth::log
