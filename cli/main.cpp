// gradus: trains models and uses them. The launcher ./gradus builds and starts it.
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include <gradus/cli/guarded.h>
#include <gradus/cli/nearest.h>
#include <gradus/cli/verbs.h>
#include <gradus/core/check.h>

namespace gradus::cli {
namespace {

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all = {
      {"train", "train a model", train, train_page},
      {"finetune", "let a pre-trained BERT learn a task", finetune, finetune_page},
      {"generate", "let a language model write", generate, generate_page},
      {"translate", "translate sentences", translate, translate_page},
      {"classify", "tell what is on pictures, or what a text is", classify, classify_page},
      {"fill", "let BERT say what [MASK] stands for", fill, fill_page},
      {"answer", "find the words that answer a question", answer, answer_page},
      {"tag", "label each word of a text", tag, tag_page},
      {"neighbours", "list words that are like a word", neighbours, neighbours_page},
  };
  return all;
}

std::string overview() {
  std::string page = "usage: gradus VERB [OPTIONS]\n\n";
  for (const Verb& verb : verbs()) {
    std::string line = "  " + verb.name;
    line.resize(14, ' ');
    page.append(line).append(verb.says).append("\n");
  }
  return page +
         "\ngradus VERB --help shows what a verb takes.\n\nexample:\n  gradus train lstm --data stories\n";
}

const Verb& verb_of(const std::string& name) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs()) {
    if (verb.name == name) return verb;
    names.push_back(verb.name);
  }
  fail("gradus", "there is no verb '", name, "'. ", did_you_mean(name, names));
}

bool asks_for_help(const std::string& word) { return word == "--help" || word == "-h"; }

int run(std::vector<std::string> words) {
  if (words.empty() || asks_for_help(words[0])) words = {"help"};
  const std::string name = words[0];
  words.erase(words.begin());
  if (name == "help") {
    if (words.empty())
      std::cout << overview();
    else
      std::cout << verb_of(words[0]).page({words.begin() + 1, words.end()});
    return 0;
  }
  const Verb& verb = verb_of(name);
  const auto behind_options = std::find(words.begin(), words.end(), "--");
  if (std::any_of(words.begin(), behind_options, asks_for_help)) {
    std::cout << verb.page(words);
    return 0;
  }
  return verb.run(words);
}

}  // namespace
}  // namespace gradus::cli

int main(int argc, char* argv[]) {
  return gradus::cli::guarded([&] { return gradus::cli::run({argv + 1, argv + argc}); });
}
