#include <zlib.h>

#include <gradus/data/gzip.h>

#include <algorithm>
#include <limits>

#include <gradus/core/check.h>

namespace gradus::data {
namespace {

constexpr std::size_t piece = std::size_t{1} << 20;

struct Inflater : z_stream {
  Inflater() : z_stream() {
    constexpr int gzip_only = 16 + MAX_WBITS;
    check(::inflateInit2(this, gzip_only) == Z_OK, "gzip", "cannot begin: there is no memory left");
  }
  ~Inflater() { ::inflateEnd(this); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

}  // namespace

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

std::string gunzip(std::string_view bytes, std::size_t limit, const std::string& name) {
  Inflater inflater;
  std::string out;
  int result = Z_OK;
  while (out.size() < limit && result != Z_STREAM_END) {
    if (inflater.avail_in == 0) {  // counted in 32 bits
      const std::size_t more = std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max());
      inflater.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      inflater.avail_in = static_cast<uInt>(more);
      bytes.remove_prefix(more);
    }
    const std::size_t done = out.size(), room = std::min(piece, limit - done);
    out.resize(done + room);
    inflater.next_out = reinterpret_cast<Bytef*>(out.data() + done);
    inflater.avail_out = static_cast<uInt>(room);
    result = ::inflate(&inflater, Z_NO_FLUSH);
    out.resize(out.size() - inflater.avail_out);
    check(result != Z_BUF_ERROR, "gzip", name, " ends too early. Was it cut short?");
    check(result == Z_OK || result == Z_STREAM_END, "gzip", name, " is damaged, seen after ", out.size(),
          " unpacked bytes: ", inflater.msg == nullptr ? "no reason is given" : inflater.msg,
          ". Fetch it again?");
  }
  check(result != Z_STREAM_END || inflater.avail_in + bytes.size() == 0, "gzip", name, " has ",
        inflater.avail_in + bytes.size(), " bytes behind its end. Is the file damaged?");
  return out;
}

}  // namespace gradus::data
