#include <gradus/data/stories/grammar.h>

#include <algorithm>
#include <bitset>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include <gradus/core/check.h>

namespace gradus::data {
namespace {

using Names = std::vector<std::string>;
constexpr int unknown = -1, story_end = -1;

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// The pieces between separators, without the spaces around them; empty ones are left out.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view piece = trimmed(text.substr(0, end));
    if (!piece.empty()) pieces.push_back(piece);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pieces;
}

// The text before and after the first separator; the second is empty where there is none.
std::pair<std::string_view, std::string_view> cut(std::string_view text, std::string_view separator) {
  const std::size_t end = text.find(separator);
  if (end == std::string_view::npos) return {trimmed(text), {}};
  return {trimmed(text.substr(0, end)), trimmed(text.substr(end + separator.size()))};
}

Names names_in(std::string_view text, char separator) {
  const std::vector<std::string_view> pieces = split(text, separator);
  return {pieces.begin(), pieces.end()};
}

// "pan 3" is pan with weight 3.
std::pair<std::string_view, double> weighted(std::string_view text) {
  const auto [word, number] = cut(text, " ");
  if (number.empty()) return {word, 1};
  check(
      number.find_first_not_of("0123456789") == std::string_view::npos && number.size() < 7 && number != "0",
      "grammar", "'", text, "': '", number, "' is no weight. Write a whole number behind a single word");
  return {word, std::stod(std::string(number))};
}

int index_of(const Names& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? unknown : static_cast<int>(found - names.begin());
}

int index_in(Names& names, std::string_view name) {
  const int found = index_of(names, name);
  if (found != unknown) return found;
  names.emplace_back(name);
  return static_cast<int>(names.size()) - 1;
}

struct Slot {
  enum Kind { plain, choose, recall } kind;
  std::string word;        // of a plain slot
  int list, spelling;      // of the others; spelling in GrammarAutomaton::slots
  std::vector<bool> sets;  // for each key of the list, whether this slot chooses it
};

using Follow = std::vector<std::pair<int, double>>;  // groups by weight; none at the end of the story

struct Sentence {
  double weight;
  std::vector<Slot> slots;
  int follow;
};

class Compiler {
 public:
  Compiler(const std::vector<WordList>& lists, std::string_view plot) : lists_(lists) {
    for (const WordList& list : lists) {
      index_in(variables_, list.name);
      for (const std::string& key : list.keys) index_in(variables_, key);
    }
    check(variables_.size() <= Variables().size(), "grammar", variables_.size(), " lists and keys, of 128");
    read_plot(plot);
    find_what_is_needed();
  }

  GrammarAutomaton compile();

 private:
  using Variables = std::bitset<128>;
  using Memory = std::vector<int>;  // value of each variable, in values_, or unknown
  struct Place {  // before a slot of a sentence, or, with sentence = -1, before those that follow
    int sentence, at;
    auto operator<=>(const Place&) const = default;
  };
  struct Draft {
    int token, slot, sense, to;
    auto operator<=>(const Draft&) const = default;
  };
  using Drafts = std::map<Draft, double>;

  void read_plot(std::string_view plot);
  Slot read_slot(std::string_view text);
  int follow_of(std::string_view text);
  void find_what_is_needed();
  Variables needed_by_follow(int follow) const;
  int state_at(const Place& place, Memory memory);
  void add_sentence_arcs(int follow, const Memory& memory, Drafts& arcs);
  void add_slot_arcs(const Place& place, const Memory& memory, double probability, Drafts& arcs);
  bool fits(const WordList& list, const Slot& slot, const Choice& choice, const Memory& memory) const;
  int variable(std::string_view name) const { return index_of(variables_, name); }

  const std::vector<WordList>& lists_;
  Names variables_, groups_, words_, slot_names_{""}, senses_{""}, values_;
  std::vector<Sentence> sentences_;
  std::vector<std::vector<int>> sentences_of_;  // each group
  std::vector<Follow> follows_;
  std::vector<std::vector<Variables>> needed_;  // before each slot of each sentence, and behind its last

  std::map<std::pair<Place, Memory>, int> made_;  // unknown while it is being made
  std::map<std::pair<std::vector<std::pair<Draft, double>>, bool>, int> same_;
  std::vector<Drafts> arcs_;
  std::vector<bool> sentence_start_;
};

Slot Compiler::read_slot(std::string_view text) {
  if (!text.starts_with('{')) return {Slot::plain, std::string(text), 0, 0, {}};
  check(text.ends_with('}'), "grammar", "'", text, "' has no closing brace. No spaces in a slot");
  const std::string_view inside = text.substr(1, text.size() - 2);
  const bool recalls = inside.starts_with('=');
  const auto [name, key] = cut(inside.substr(recalls), "!");
  const auto list =
      std::find_if(lists_.begin(), lists_.end(), [&](const WordList& l) { return l.name == name; });
  check(list != lists_.end(), "grammar", text, ": there is no list '", name, "'");
  Slot slot{recalls ? Slot::recall : Slot::choose,
            {},
            static_cast<int>(list - lists_.begin()),
            index_in(slot_names_, inside),
            std::vector<bool>(list->keys.size())};
  if (!key.empty()) {
    const int which = index_of(list->keys, key);
    check(which != unknown && !recalls, "grammar", text, ": list '", name, "' is not chosen by '", key, "'");
    slot.sets[static_cast<std::size_t>(which)] = true;
  }
  return slot;
}

// "scene 3, wish" as weighted groups, which need not have been read yet.
int Compiler::follow_of(std::string_view text) {
  Follow follow;
  for (const std::string_view piece : split(text, ',')) {
    const auto [group, weight] = weighted(piece);
    if (group == "end") {
      check(split(text, ',').size() == 1, "grammar", "'", text, "': the end cannot be one of several");
      break;
    }
    follow.push_back({index_in(groups_, group), weight});
  }
  follows_.push_back(std::move(follow));
  return static_cast<int>(follows_.size()) - 1;
}

void Compiler::read_plot(std::string_view plot) {
  int group = unknown, follow = unknown;
  for (std::size_t line_number = 1; !plot.empty(); ++line_number) {
    const std::size_t end = std::min(plot.find('\n'), plot.size());
    const std::string_view line = plot.substr(0, end);
    plot.remove_prefix(std::min(end + 1, plot.size()));
    if (trimmed(line).empty()) continue;
    const auto [text, after] = cut(line, "->");
    if (!line.starts_with(' ')) {
      check(!after.empty(), "grammar", "line ", line_number, " of the plot: '", line,
            "' does not say what follows");
      group = index_in(groups_, text);
      follow = follow_of(after);
      continue;
    }
    check(group != unknown, "grammar", "line ", line_number, " of the plot: a sentence of no group");
    const auto [weight, words] = cut(text, ":");
    Sentence sentence{
        weighted("weight " + std::string(weight)).second, {}, after.empty() ? follow : follow_of(after)};
    for (const std::string_view word : split(words, ' ')) sentence.slots.push_back(read_slot(word));
    const auto ends = [](const Slot& slot) {
      return slot.word == "." || slot.word == "!" || slot.word == "?";
    };
    check(
        std::count_if(sentence.slots.begin(), sentence.slots.end(), ends) == 1 && ends(sentence.slots.back()),
        "grammar", "line ", line_number, " of the plot: a sentence ends with its only . or ! or ?");
    sentences_of_.resize(std::max(sentences_of_.size(), groups_.size()));
    sentences_of_[static_cast<std::size_t>(group)].push_back(static_cast<int>(sentences_.size()));
    sentences_.push_back(std::move(sentence));
  }
  check(!sentences_.empty(), "grammar", "the plot has no sentence");
  sentences_of_.resize(groups_.size());
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    check(!sentences_of_[i].empty(), "grammar", "group '", groups_[i], "' has no sentence");
  }
}

Compiler::Variables Compiler::needed_by_follow(int follow) const {
  Variables needed;
  for (const auto& [group, weight] : follows_[static_cast<std::size_t>(follow)]) {
    for (const int sentence : sentences_of_[static_cast<std::size_t>(group)]) {
      needed |= needed_[static_cast<std::size_t>(sentence)].front();
    }
  }
  return needed;
}

// A variable is needed before a slot that reads it, and before one that leaves it alone where it is needed behind.
void Compiler::find_what_is_needed() {
  for (const Sentence& sentence : sentences_) needed_.emplace_back(sentence.slots.size() + 1);
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t s = sentences_.size(); s-- > 0;) {
      needed_[s].back() = needed_by_follow(sentences_[s].follow);
      const Variables first = needed_[s].front();
      for (std::size_t i = sentences_[s].slots.size(); i-- > 0;) {
        const Slot& slot = sentences_[s].slots[i];
        Variables needed = needed_[s][i + 1];
        if (slot.kind != Slot::plain) {
          const WordList& list = lists_[static_cast<std::size_t>(slot.list)];
          needed.set(static_cast<std::size_t>(variable(list.name)), slot.kind == Slot::recall);
          for (std::size_t key = 0; key < list.keys.size() && slot.kind == Slot::choose; ++key) {
            needed.set(static_cast<std::size_t>(variable(list.keys[key])), !slot.sets[key]);
          }
        }
        needed_[s][i] = needed;
      }
      changed |= first != needed_[s].front();
    }
  }
}

bool Compiler::fits(const WordList& list, const Slot& slot, const Choice& choice,
                    const Memory& memory) const {
  for (std::size_t key = 0; key < list.keys.size(); ++key) {
    if (slot.sets[key]) continue;
    const int value = memory[static_cast<std::size_t>(variable(list.keys[key]))];
    check(value != unknown, "grammar", "{", slot_names_[static_cast<std::size_t>(slot.spelling)], "}: no ",
          list.keys[key], " has been chosen yet");
    const std::string& known = values_[static_cast<std::size_t>(value)];
    if (choice.keys[key] != known.substr(0, known.find('/'))) return false;
  }
  return true;
}

void Compiler::add_slot_arcs(const Place& place, const Memory& memory, double probability, Drafts& arcs) {
  const Slot& slot =
      sentences_[static_cast<std::size_t>(place.sentence)].slots[static_cast<std::size_t>(place.at)];
  const Place behind{place.sentence, place.at + 1};
  const auto add = [&](std::string_view word, std::string_view sense, double p, const Memory& then) {
    const int to = state_at(behind, then);
    arcs[{index_in(words_, word), slot.spelling, index_in(senses_, sense), to}] += p;
  };
  if (slot.kind == Slot::plain) return add(slot.word, "", probability, memory);
  const WordList& list = lists_[static_cast<std::size_t>(slot.list)];
  const auto own = static_cast<std::size_t>(variable(list.name));
  if (slot.kind == Slot::recall) {
    check(memory[own] != unknown, "grammar", "{=", list.name, "}: there is nothing to recall");
    const std::string chosen = values_[static_cast<std::size_t>(memory[own])];  // the list grows
    const auto [word, sense] = cut(chosen, "/");
    return add(word, sense, probability, memory);
  }
  std::vector<const Choice*> choices;
  double total = 0;
  for (const Choice& choice : list.choices) {
    if (fits(list, slot, choice, memory)) choices.push_back(&choice), total += choice.weight;
  }
  check(total > 0, "grammar", "{", slot_names_[static_cast<std::size_t>(slot.spelling)],
        "}: the list has no line for what was chosen before");
  for (const Choice* choice : choices) {
    Memory then = memory;
    then[own] = index_in(values_, choice->word + (choice->sense.empty() ? "" : "/" + choice->sense));
    for (std::size_t key = 0; key < list.keys.size(); ++key) {
      if (slot.sets[key])
        then[static_cast<std::size_t>(variable(list.keys[key]))] = index_in(values_, choice->keys[key]);
    }
    add(choice->word, choice->sense, probability * choice->weight / total, then);
  }
}

void Compiler::add_sentence_arcs(int follow, const Memory& memory, Drafts& arcs) {
  const Follow& groups = follows_[static_cast<std::size_t>(follow)];
  double of_groups = 0;
  for (const auto& [group, weight] : groups) of_groups += weight;
  for (const auto& [group, weight] : groups) {
    const std::vector<int>& sentences = sentences_of_[static_cast<std::size_t>(group)];
    double of_sentences = 0;
    for (const int sentence : sentences)
      of_sentences += sentences_[static_cast<std::size_t>(sentence)].weight;
    for (const int sentence : sentences) {
      const double p = sentences_[static_cast<std::size_t>(sentence)].weight / of_sentences;
      add_slot_arcs({sentence, 0}, memory, weight / of_groups * p, arcs);
    }
  }
}

// The state for a place and what is remembered there. Two with the same arcs are one.
int Compiler::state_at(const Place& place, Memory memory) {
  const Sentence* inside =
      place.sentence == story_end ? nullptr : &sentences_[static_cast<std::size_t>(place.sentence)];
  if (inside && place.at == static_cast<int>(inside->slots.size()))
    return state_at({-1, inside->follow}, std::move(memory));
  const bool starts = !inside;
  if (starts && follows_[static_cast<std::size_t>(place.at)].empty()) return 0;

  const Variables needed =
      starts ? needed_by_follow(place.at)
             : needed_[static_cast<std::size_t>(place.sentence)][static_cast<std::size_t>(place.at)];
  for (std::size_t i = 0; i < memory.size(); ++i) {
    if (!needed[i]) memory[i] = unknown;
  }
  const auto [made, is_new] = made_.try_emplace({place, memory}, unknown);
  if (!is_new) {
    check(made->second != unknown, "grammar", "the plot goes round in a circle");
    return made->second;
  }
  Drafts arcs;
  if (starts)
    add_sentence_arcs(place.at, memory, arcs);
  else
    add_slot_arcs(place, memory, 1, arcs);
  const auto [same, is_first] =
      same_.try_emplace({{arcs.begin(), arcs.end()}, starts}, static_cast<int>(arcs_.size()));
  if (is_first) {
    arcs_.push_back(std::move(arcs));
    sentence_start_.push_back(starts);
  }
  return made->second = same->second;
}

GrammarAutomaton Compiler::compile() {
  arcs_.resize(1);
  sentence_start_.push_back(true);
  follows_.push_back({{0, 1.0}});
  Drafts from_start;
  add_sentence_arcs(static_cast<int>(follows_.size()) - 1, Memory(variables_.size(), unknown), from_start);
  arcs_[0] = std::move(from_start);

  Names sorted = words_;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::pair<Arc, Telling>> all;
  for (std::size_t from = 0; from < arcs_.size(); ++from) {
    for (const auto& [draft, probability] : arcs_[from]) {
      const auto token =
          std::lower_bound(sorted.begin(), sorted.end(), words_[static_cast<std::size_t>(draft.token)]);
      all.push_back({{static_cast<std::int32_t>(from), draft.to,
                      static_cast<std::int32_t>(token - sorted.begin()), probability},
                     {draft.slot, draft.sense}});
    }
  }
  const auto key = [](const auto& x) { return std::tuple(x.first.from, x.first.token, x.first.to); };
  std::stable_sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  std::vector<Arc> arcs;
  std::vector<Telling> tellings;
  for (const auto& [arc, telling] : all) arcs.push_back(arc), tellings.push_back(telling);
  const auto states = static_cast<std::int64_t>(arcs_.size()),
             tokens = static_cast<std::int64_t>(sorted.size());
  return {Vocabulary(sorted),
          HiddenMarkov(states, tokens, std::move(arcs)),
          std::move(tellings),
          slot_names_,
          senses_,
          sentence_start_};
}

}  // namespace

std::vector<double> GrammarAutomaton::prior(Start start) const {
  std::vector<double> prior = model.stationary();
  for (std::int32_t state = 0; state < model.states(); ++state) {
    const bool possible =
        start == Start::anywhere || (start == Start::story ? state == 0 : starts_sentence(state));
    if (!possible) prior[static_cast<std::size_t>(state)] = 0;
  }
  return prior;
}

std::vector<WordList> read_word_lists(std::string_view text) {
  std::vector<WordList> lists;
  for (std::size_t line_number = 1; !text.empty(); ++line_number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (trimmed(line).empty()) continue;
    if (!line.starts_with(' ')) {
      const auto [name, keys] = cut(line, " by ");
      for (const WordList& list : lists) {
        check(list.name != name, "grammar", "line ", line_number, " of the words: a second list '", name,
              "'");
      }
      lists.push_back({std::string(name), names_in(keys, ','), {}});
      continue;
    }
    check(!lists.empty(), "grammar", "line ", line_number, " of the words: words of no list");
    WordList& list = lists.back();
    const auto [key, words] = list.keys.empty() ? std::pair(std::string_view(), line) : cut(line, ":");
    const Names keys = names_in(key, ' ');
    check(keys.size() == list.keys.size(), "grammar", "line ", line_number, " of the words: list '",
          list.name, "' has ", list.keys.size(), " keys, this line ", keys.size());
    for (const std::string_view piece : split(words, ',')) {
      const auto [spelled, weight] = weighted(piece);
      const auto [word, sense] = cut(spelled, "/");
      list.choices.push_back({std::string(word), std::string(sense), keys, weight});
    }
  }
  return lists;
}

GrammarAutomaton compile(const std::vector<WordList>& lists, std::string_view plot) {
  return Compiler(lists, plot).compile();
}

}  // namespace gradus::data
