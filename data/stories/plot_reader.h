// The plot as its sentences' slots, read from the text that grammar.h describes.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gradus/data/stories/grammar.h>

namespace gradus::data::detail {

struct Slot {
  enum Kind { plain, choose, recall } kind;
  std::string word;        // of a plain slot
  std::size_t list;        // of the others
  int spelling;            // in Plot::spellings
  std::vector<bool> sets;  // for each key of the list, whether this slot chooses it
};

struct Sentence {
  double weight;
  std::vector<Slot> slots;
  std::size_t follow;  // in Plot::follows
};

using Follow = std::vector<std::pair<std::size_t, double>>;  // groups by weight; none at the end of the story

struct Plot {
  std::vector<std::string> groups;                     // the first begins the story
  std::vector<std::vector<std::size_t>> sentences_of;  // each group
  std::vector<Sentence> sentences;
  std::vector<Follow> follows;
  std::vector<std::string> spellings;  // of slots, without braces; the first, "", is a plain word
};

Plot read_plot(std::string_view text, const std::vector<WordList>& lists);

// The text before and after the first separator, without the spaces around them; the second is empty where
// there is none.
std::pair<std::string_view, std::string_view> cut(std::string_view text, std::string_view separator);

// The place of a name in a list, -1 where it is not there.
int index_of(const std::vector<std::string>& names, std::string_view name);

}  // namespace gradus::data::detail
