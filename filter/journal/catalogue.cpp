#include "filter/journal/catalogue.hpp"

#include <algorithm>

namespace smtpauth {

void Catalogue::add(const Segment& segment)
{
    const std::lock_guard lock(mutex_);
    segments_.push_back(segment);
}

void Catalogue::grow(std::uint64_t last, std::uint64_t used_bytes)
{
    const std::lock_guard lock(mutex_);
    segments_.back().last = last;
    segments_.back().used_bytes = used_bytes;
}

void Catalogue::remove(const std::string& path)
{
    const std::lock_guard lock(mutex_);
    std::erase_if(segments_, [&path](const Segment& segment) { return segment.path == path; });
}

void Catalogue::make_void(std::uint64_t sequence)
{
    const std::lock_guard lock(mutex_);
    voids_.insert(sequence);
}

void Catalogue::acknowledge(std::uint64_t sequence)
{
    acknowledged_ = std::max(sequence, acknowledged_.load());
    const std::lock_guard lock(mutex_);
    voids_.erase(voids_.begin(), voids_.upper_bound(sequence));
}

std::optional<Segment> Catalogue::find(std::uint64_t sequence) const
{
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(segments_.begin(), segments_.end(), [sequence](const Segment& segment) {
        return segment.last >= std::max(sequence, segment.first);
    });
    return found == segments_.end() ? std::nullopt : std::optional(*found);
}

bool Catalogue::is_void(std::uint64_t sequence) const
{
    const std::lock_guard lock(mutex_);
    return voids_.contains(sequence);
}

} // namespace smtpauth
