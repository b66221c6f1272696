#include "common/config.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "common/escape.hpp"

namespace smtpauth {

namespace {

using Kind = ConfigValue::Kind;

constexpr std::size_t most_errors = 50;  // shown; nobody reads more at once
constexpr std::size_t farthest_hint = 2; // slips of the finger between a key and what it was meant to be

std::size_t edit_distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j)
        row[j] = j;
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

/// What somebody asked for that looks most like this path; "" where nothing does.
std::string hint(const ConfigSource& source, const std::string& path)
{
    constexpr std::size_t longest_path = 100; // the distance costs the product of both lengths
    if (path.size() > longest_path)
        return {};
    std::string best;
    std::size_t least = farthest_hint + 1;
    for (const std::string& known : source.asked)
        if (const std::size_t distance = edit_distance(path, known); distance < least && !known.empty()) {
            least = distance;
            best = known;
        }
    return best.empty() ? best : "; did you mean " + best + '?';
}

void add_unknown(const ConfigSource& source, std::vector<ConfigSource::Problem>& problems)
{
    for (const auto& [path, value] : source.values) {
        if (source.asked.contains(path) || (!value.parent.empty() && !source.tables.contains(value.parent)))
            continue;
        const std::string what = value.kind == Kind::table ? '[' + path + "]: unknown table"
                                                           : path + " = " + value.shown + ": unknown setting";
        problems.push_back({value.place, what + (problems.size() < most_errors ? hint(source, path) : "")});
    }
}

} // namespace

ConfigFile ConfigFile::load(const std::string& path)
{
    namespace fs = std::filesystem;
    ConfigFile file;
    file.source_->read_file(path);

    const fs::path directory = fs::path(path).parent_path() / "conf.d";
    std::vector<std::string> parts;
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
        if (entry->path().extension() == ".toml" && !entry->path().filename().string().starts_with('.'))
            parts.push_back(entry->path().string());
    if (error && error != std::errc::no_such_file_or_directory)
        file.source_->problems.push_back({{}, directory.string() + ": cannot be read: " + error.message()});
    std::sort(parts.begin(), parts.end());
    for (const std::string& part : parts)
        file.source_->read_file(part);
    return file;
}

ConfigFile ConfigFile::parse(std::string_view text, const std::string& name)
{
    ConfigFile file;
    file.source_->read_text(text, name);
    return file;
}

ConfigTable ConfigFile::root()
{
    return {*source_, ""};
}

std::vector<std::string> ConfigFile::errors() const
{
    auto problems = source_->problems;
    add_unknown(*source_, problems);
    std::stable_sort(problems.begin(), problems.end(), [](const auto& a, const auto& b) { return a.place < b.place; });

    std::vector<std::string> errors;
    for (const auto& [place, text] : problems) {
        if (errors.size() == most_errors) {
            errors.push_back(std::to_string(problems.size() - most_errors) + " more mistakes");
            break;
        }
        std::string error = escape_controls(source_->files[place.file]);
        if (place.line != 0)
            error.append(":").append(std::to_string(place.line));
        errors.push_back(error.append(": ").append(text));
    }
    return errors;
}

} // namespace smtpauth
