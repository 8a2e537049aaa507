#include <gradus/cli/nearest.h>

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace gradus::cli {
namespace {

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& names) {
  std::size_t least = std::max<std::size_t>(word.size() / 3, 1) + 1;
  std::string found;
  for (const std::string& name : names) {
    const std::size_t changes = distance(word, name);
    if (changes < least) least = changes, found = name;
  }
  const auto begins_so = [&](const std::string& name) { return name.starts_with(word); };
  if (found.empty() && std::ranges::count_if(names, begins_so) == 1)
    found = *std::ranges::find_if(names, begins_so);
  return found;
}

std::string one_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 < names.size() ? ", " : " or ";
    text += names[i];
  }
  return text;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& names) {
  const std::string near = nearest(word, names);
  return near.empty() ? "One of " + one_of(names) + "?" : near + "?";
}

}  // namespace gradus::cli
