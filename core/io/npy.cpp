#include <gradus/core/io/npy.h>

#include <charconv>
#include <iterator>
#include <optional>
#include <sstream>
#include <vector>

#include <gradus/core/io/bytes.h>
#include <gradus/core/io/file.h>
#include <gradus/core/kernels/copy.h>

namespace gradus {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

struct Descr {
  std::string_view name;
  DType dtype;
};
constexpr Descr descrs[] = {{"<f4", f32}, {"<f8", f64}, {"<i8", i64}, {"|b1", boolean}};

// Reads the header's dict, and of Python no more than that needs.
class Header {
 public:
  Header(std::string_view text, const std::string& name) : text_(text), name_(name) {
    expect('{');
    while (!take('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !descr_)
        descr_ = quoted();
      else if (key == "fortran_order" && !fortran_order_)
        fortran_order_ = truth();
      else if (key == "shape" && !sizes_)
        sizes_ = tuple();
      else
        refuse();
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size() || !descr_ || !fortran_order_ || !sizes_) refuse();
  }

  DType dtype() const {
    for (const auto& [name, dtype] : descrs)
      if (name == *descr_) return dtype;
    fail("load", name_, " has elements of '", *descr_,
         "'; read are '<f4', '<f8', '<i8' and '|b1'. Convert with astype before saving?");
  }
  bool fortran_order() const { return *fortran_order_; }
  Shape shape() const { return checked_shape(*sizes_, name_); }

 private:
  [[noreturn]] void refuse() const {
    fail("load", name_, ": the header is not as NumPy writes it, seen at its byte ", at_,
         ". Is the file damaged?");
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(std::string_view word) {
    skip_space();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  bool take(char c) { return take(std::string_view(&c, 1)); }
  void expect(char c) {
    if (!take(c)) refuse();
  }

  std::string_view quoted() {
    const char quote = take('"') ? '"' : '\'';
    if (quote == '\'') expect('\'');
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) refuse();
    const std::string_view inside = text_.substr(at_, end - at_);
    at_ = end + 1;
    return inside;
  }

  bool truth() {
    if (take("True")) return true;
    if (take("False")) return false;
    refuse();
  }

  // (), (2,), (2, 3): of one size the comma is what makes it a tuple.
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> sizes;
    expect('(');
    while (!take(')')) {
      skip_space();
      std::int64_t size = 0;
      const char* const begin = text_.data() + at_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), size);
      if (error != std::errc()) refuse();
      at_ += static_cast<std::size_t>(end - begin);
      sizes.push_back(size);
      if (!take(',')) {
        if (sizes.size() == 1) refuse();
        expect(')');
        break;
      }
    }
    return sizes;
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  std::optional<std::string_view> descr_;
  std::optional<bool> fortran_order_;
  std::optional<std::vector<std::int64_t>> sizes_;
};

// Column by column is row by row of the transposed array.
Tensor from_columns(std::string_view elements, const Shape& shape, DType dtype, const std::string& name) {
  const Shape reversed(std::vector<std::int64_t>(std::make_reverse_iterator(shape.end()),
                                                 std::make_reverse_iterator(shape.begin())));
  const Tensor transposed = tensor_from_bytes(elements, reversed, dtype, name);
  Strides strides = transposed.strides();
  std::reverse(strides.begin(), strides.end());
  return kernels::contiguous(transposed.window(shape, strides, 0));
}

}  // namespace

Tensor parse_npy(std::string_view bytes, const std::string& name) {
  check(bytes.starts_with(magic) && bytes.size() >= 10, "load", name,
        " does not begin as an .npy file does. Is it another format?");
  const int major = static_cast<unsigned char>(bytes[6]), minor = static_cast<unsigned char>(bytes[7]);
  check(1 <= major && major <= 3 && minor == 0, "load", name, " is of version ", major, ".", minor,
        " of .npy; read are 1.0, 2.0 and 3.0. Save it again?");
  const std::size_t begin = major == 1 ? 10 : 12;
  check(bytes.size() >= begin, "load", name, " ends inside its header. Was it cut short?");
  const std::size_t size =
      major == 1 ? number_at<std::uint16_t>(bytes, 8) : number_at<std::uint32_t>(bytes, 8);
  check(size <= bytes.size() - begin, "load", name, " ends inside its header. Was it cut short?");
  const Header header(bytes.substr(begin, size), name);
  const std::string_view elements = bytes.substr(begin + size);
  return header.fortran_order() ? from_columns(elements, header.shape(), header.dtype(), name)
                                : tensor_from_bytes(elements, header.shape(), header.dtype(), name);
}

std::string npy_header(const Shape& shape, DType dtype) {
  std::string descr;
  for (const auto& [name, of] : descrs)
    if (of == dtype) descr = name;
  std::ostringstream dict;
  dict << "{'descr': '" << descr << "', 'fortran_order': False, 'shape': " << shape << ", }";
  std::string text = dict.str();
  // NumPy leaves room for the first size to grow to 21 digits, and aligns the elements to 64 bytes.
  if (shape.rank() > 0) text.append(21 - std::to_string(shape[0]).size(), ' ');
  text.append(64 - (10 + text.size() + 1) % 64, ' ');
  text += '\n';
  std::string header(magic);
  header += {'\1', '\0'};
  append_number(header, static_cast<std::uint16_t>(text.size()));
  return header + text;
}

std::string format_npy(const Tensor& x) {
  const Tensor rows = kernels::contiguous(x);
  return npy_header(rows.shape(), rows.dtype()).append(bytes_of(rows));
}

Tensor read_npy(const std::string& path) { return parse_npy(read_file(path), path); }

void write_npy(const std::string& path, const Tensor& x) {
  const Tensor rows = kernels::contiguous(x);
  write_atomically(path, [&](const Sink& sink) {
    sink(npy_header(rows.shape(), rows.dtype()));
    sink(bytes_of(rows));
  });
}

}  // namespace gradus
