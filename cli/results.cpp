// How results and what may come next are shown, and results explained.
#include <algorithm>
#include <ostream>

#include <gradus/cli/family.h>
#include <gradus/cli/print.h>
#include <gradus/cli/verbs.h>
#include <gradus/core/wrap.h>

namespace gradus::cli {

std::ostream& operator<<(std::ostream& out, const ResultText& result) {
  return out << wrapped(result.text, 80, 24);
}

std::string explained_train_page(const std::vector<std::string>& words) {
  std::string page = train_page(words);
  if (words.empty() || words[0].starts_with("-")) return page;
  const auto explained = family_of("train", words[0])->explained_results();
  if (!explained.empty()) page += "\nWhat the results say:\n";
  for (const auto& [name, says] : explained) {
    constexpr std::size_t indent = 22;
    std::string label = "  " + name;
    label.resize(std::max(indent, label.size() + 2), ' ');
    page.append(label).append(wrapped(says, 80, indent)).append("\n");
  }
  return page;
}

namespace {

// A word in lines that each go on with the next, where it has spaces between quotation marks.
std::string divided(const std::string& word) {
  std::string lines;
  for (const char c : wrapped(word, 74)) lines.append(c == '\n' ? " \\" : "") += c;
  return lines;
}

}  // namespace

std::string pasted(const std::string& command) {
  std::string lines, word;
  std::size_t column = 2;  // behind two spaces
  bool is_quoted = false;
  for (std::size_t i = 0; i <= command.size(); ++i) {
    const bool is_end = i == command.size();
    if (!is_end && command[i] == '"') is_quoted = !is_quoted;
    if (!is_end && (command[i] != ' ' || is_quoted)) {
      word += command[i];
      continue;
    }
    if (lines.empty()) {
      lines = word;
    } else if (column + 1 + word.size() + 2 <= 80) {  // 2: for what goes on
      lines.append(" ").append(word);
      ++column;
    } else {
      lines.append(" \\\n    ").append(divided(word));
      column = 4;
    }
    column += word.size();
    word.clear();
  }
  return lines;
}

}  // namespace gradus::cli
