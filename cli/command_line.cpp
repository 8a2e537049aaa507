#include <gradus/cli/command_line.h>

#include <algorithm>

#include <gradus/cli/nearest.h>
#include <gradus/core/check.h>

namespace gradus::cli {

CommandLine read_command_line(const std::string& verb, const std::vector<Flag>& flags,
                              const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const Flag& flag : flags) names.push_back("--" + flag.name);
  CommandLine line;
  for (auto word = words.begin(); word != words.end(); ++word) {
    if (*word == "--") {
      line.rest.insert(line.rest.end(), word + 1, words.end());
      break;
    }
    if (word->size() < 2 || !word->starts_with('-')) {
      line.rest.push_back(*word);
      continue;
    }
    const std::size_t equals = word->find('=');
    const std::string name = word->substr(0, equals);
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
      const std::string near = nearest(name, names);
      fail(verb.c_str(), "there is no option ", name, ". ", near.empty() ? "--help lists them" : near + "?");
    }
    const Flag& flag = flags[static_cast<std::size_t>(found - names.begin())];
    std::vector<std::string>& values = line.values[flag.name];
    if (equals != word->npos) {
      values.push_back(word->substr(equals + 1));
    } else if (flag.shown.empty()) {
      values.emplace_back("true");
    } else {
      check(word + 1 != words.end(), verb.c_str(), name, " needs a value. ", name, " ", flag.shown, "?");
      values.push_back(*++word);
    }
  }
  return line;
}

}  // namespace gradus::cli
