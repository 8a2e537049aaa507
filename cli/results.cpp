#include <gradus/cli/results.h>

#include <algorithm>
#include <iostream>

#include <gradus/core/wrap.h>

namespace gradus::cli {

namespace {

// A word in lines that each go on with the next, where it has spaces between quotation marks.
std::string divided(const std::string& word) {
  std::string lines;
  for (const char c : wrapped(word, 74)) lines.append(c == '\n' ? " \\" : "") += c;
  return lines;
}

}  // namespace

void print_results(const Results& results) {
  for (const auto& [name, says] : results.lines) {
    std::string label = name;
    std::ranges::replace(label, '_', ' ');
    std::cout << labelled(label, says, 24) << "\n";
  }
}

std::string explanation(const Family& family) {
  const auto explained = family.explained_results();
  std::string page = explained.empty() ? "" : "\nWhat the results say:\n";
  for (const auto& [name, says] : explained) page.append(labelled("  " + name, says, 22)).append("\n");
  return page;
}

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
