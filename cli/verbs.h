// The verbs of the program: each takes the words behind its name and returns the exit status.
#pragma once

#include <string>
#include <vector>

namespace gradus::cli {

struct Verb {
  std::string name, says;
  int (*run)(const std::vector<std::string>& words);
  // Its page; words may name what it is about, such as a model.
  std::string (*page)(const std::vector<std::string>& words);
};

int train(const std::vector<std::string>& words);
std::string train_page(const std::vector<std::string>& words);
int generate(const std::vector<std::string>& words);
std::string generate_page(const std::vector<std::string>& words);
int translate(const std::vector<std::string>& words);
std::string translate_page(const std::vector<std::string>& words);
int classify(const std::vector<std::string>& words);
std::string classify_page(const std::vector<std::string>& words);
int finetune(const std::vector<std::string>& words);
std::string finetune_page(const std::vector<std::string>& words);
int fill(const std::vector<std::string>& words);
std::string fill_page(const std::vector<std::string>& words);
int answer(const std::vector<std::string>& words);
std::string answer_page(const std::vector<std::string>& words);
int tag(const std::vector<std::string>& words);
std::string tag_page(const std::vector<std::string>& words);
int neighbours(const std::vector<std::string>& words);
std::string neighbours_page(const std::vector<std::string>& words);

}  // namespace gradus::cli
