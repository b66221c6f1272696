#include "filter/locator.hpp"

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "common/file_watch.hpp"
#include "common/geo.hpp"
#include "common/log.hpp"

namespace smtpauth {

/// One database and its file.
class Locator::Source {
public:
    Source(asio::io_context& io, Background& background) : io_(io), background_(background) {}
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    ~Source() = default;

    /// @param path  "" for none.
    void follow(const std::string& path, const std::string& private_directory)
    {
        private_directory_ = private_directory;
        if (path == path_)
            return;
        path_ = path;
        watch_.reset();
        if (path_.empty())
            database_.reset();
        else
            watch_ =
                std::make_unique<FileWatch>(io_, path_, FileWatch::Handlers{[this] { open_aside(); }, [] {}, [] {}});
    }

    void open_now()
    {
        if (!path_.empty())
            install(GeoDatabase::open(path_, private_directory_));
    }

    /// Copying a large database takes longer than mail should wait.
    void open_aside()
    {
        again_ = opening_;
        if (again_ || path_.empty())
            return;
        opening_ = true;
        background_.run([path = path_, directory = private_directory_] { return GeoDatabase::open(path, directory); },
                        [this, path = path_](std::variant<GeoDatabase, std::string> opened) {
                            opening_ = false;
                            if (path == path_)
                                install(std::move(opened));
                            if (std::exchange(again_, false))
                                open_aside();
                        });
    }

    const std::optional<GeoDatabase>& database() const { return database_; }

private:
    void install(std::variant<GeoDatabase, std::string> opened)
    {
        if (const auto* error = std::get_if<std::string>(&opened)) {
            log::warning("{}; {}", *error,
                         database_ ? "the database in use stays" : "clients have no country or network from it");
            return;
        }
        database_.emplace(std::get<GeoDatabase>(std::move(opened)));
        log::info("{}: {}", path_, database_->describe());
    }

    asio::io_context& io_;
    Background& background_;
    std::string path_;
    std::string private_directory_;
    std::optional<GeoDatabase> database_;
    std::unique_ptr<FileWatch> watch_;
    bool opening_ = false;
    bool again_ = false; ///< the file changed meanwhile
};

Locator::Locator(asio::io_context& io, Background& background)
    : country_(std::make_unique<Source>(io, background)),
      asn_(std::make_unique<Source>(io, background))
{
}

Locator::~Locator() = default;

void Locator::load(const FilterConfig& config)
{
    country_->follow(config.country_database, config.state_directory);
    asn_->follow(config.asn_database, config.state_directory);
    country_->open_now();
    asn_->open_now();
}

void Locator::reload(const FilterConfig& config)
{
    country_->follow(config.country_database, config.state_directory);
    asn_->follow(config.asn_database, config.state_directory);
    country_->open_aside();
    asn_->open_aside();
}

Place Locator::locate(const IpAddress& address) const
{
    Place place;
    if (const auto& database = country_->database())
        place.country = database->country(address).value_or("");
    if (const auto& database = asn_->database())
        place.asn = database->asn(address).value_or(0);
    return place;
}

} // namespace smtpauth
