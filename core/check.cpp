#include <gradus/core/check.h>

#include <sstream>

namespace gradus {

std::ostream& operator<<(std::ostream& out, const ErrorPart& part) {
  switch (part.kind_) {
    case ErrorPart::Kind::text:
      return out << static_cast<const char*>(part.value_);
    case ErrorPart::Kind::letter:
      return out << static_cast<char>(part.integer_);
    case ErrorPart::Kind::natural:
      return out << part.natural_;
    case ErrorPart::Kind::integer:
      return out << part.integer_;
    case ErrorPart::Kind::fraction:
      return out << part.fraction_;
    case ErrorPart::Kind::other:
      break;
  }
  part.print_(out, part.value_);
  return out;
}

void fail_with(const char* op, std::initializer_list<ErrorPart> parts) {
  std::ostringstream text;
  text << '[' << op << "] ";
  for (const ErrorPart& part : parts) text << part;
  throw Error(text.str());
}

}  // namespace gradus
