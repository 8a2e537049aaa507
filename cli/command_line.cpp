#include <gradus/cli/command_line.h>

#include <algorithm>

#include <CLI/CLI.hpp>

#include <gradus/cli/nearest.h>
#include <gradus/core/check.h>

namespace gradus::cli {

CommandLine read_command_line(const std::string& verb, const std::vector<Flag>& flags,
                              const std::vector<std::string>& words) {
  CLI::App app;
  app.set_help_flag();  // main.cpp shows the pages
  app.allow_extras();
  std::vector<std::string> names;
  for (const auto& [name, shown] : flags) {
    names.push_back("--" + name);
    CLI::Option* const option = !shown.empty() ? app.add_option(names.back()) : app.add_flag(names.back());
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string text = error.what(), name = text.substr(0, text.find(':'));
    const auto flag = std::ranges::find(names, name) - names.begin();
    fail(verb.c_str(), name, " needs a value. ", name, " ", flags.at(static_cast<std::size_t>(flag)).shown,
         "?");
  } catch (const CLI::ParseError& error) {
    fail(verb.c_str(), error.what());
  }
  CommandLine line;
  for (std::size_t i = 0; i < flags.size(); ++i)
    if (const CLI::Option* const option = app.get_option(names[i]); option->count() > 0)
      line.values[flags[i].name] = option->results();
  bool behind_dashes = false;
  for (const std::string& word : app.remaining()) {
    if (!behind_dashes && word == "--") {
      behind_dashes = true;
    } else if (!behind_dashes && word.size() > 1 && word[0] == '-') {
      const std::string near = nearest(word.substr(0, word.find('=')), names);
      fail(verb.c_str(), "there is no option ", word.substr(0, word.find('=')), ". ",
           near.empty() ? "--help lists them" : near + "?");
    } else {
      line.rest.push_back(word);
    }
  }
  return line;
}

}  // namespace gradus::cli
