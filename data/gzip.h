// gzip (RFC 1952), for readers of files that may be compressed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gradus::data {

bool is_gzip(std::string_view bytes);

// What was compressed, or its first `limit` bytes: unpacking stops there, whatever the file would grow to.
// Where all of it was less than `limit`, its length and checksum are right and nothing stands behind. `name`
// is the file's, for errors.
std::string gunzip(std::string_view bytes, std::size_t limit, const std::string& name);

}  // namespace gradus::data
