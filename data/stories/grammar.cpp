#include <gradus/data/stories/grammar.h>

#include <algorithm>
#include <bitset>
#include <compare>
#include <functional>
#include <map>
#include <tuple>
#include <utility>

#include <gradus/core/check.h>
#include <gradus/data/stories/plot_reader.h>

namespace gradus::data {
namespace {

using namespace detail;

// Strings as numbers, in the order in which they come.
class Numbers {
 public:
  int of(std::string_view text) {
    const auto found = numbers_.find(text);
    if (found != numbers_.end()) return found->second;
    texts_.emplace_back(text);
    return numbers_[texts_.back()] = static_cast<int>(texts_.size()) - 1;
  }
  std::string text(int number) const { return texts_[static_cast<std::size_t>(number)]; }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::vector<std::string> texts_;
  std::map<std::string, int, std::less<>> numbers_;
};

constexpr int unknown = -1;

// A variable is something that was chosen: a topic, a gender, the word of a list. Its value is a number of
// values_.
class Compiler {
 public:
  Compiler(const std::vector<WordList>& lists, std::string_view plot)
      : lists_(lists), plot_(read_plot(plot, lists)) {
    for (const WordList& list : lists) {
      variables_.of(list.name);
      for (const std::string& key : list.keys) variables_.of(key);
    }
    check(variables_.texts().size() <= Variables().size(), "grammar", "there are ", variables_.texts().size(),
          " lists and keys; ", Variables().size(), " can be told apart");
    senses_.of("");
    find_what_is_needed();
  }

  GrammarAutomaton compile();

 private:
  using Variables = std::bitset<128>;
  using Memory = std::vector<int>;  // value of each variable, or unknown
  struct Place {                    // before a slot of a sentence, or, where `between`, before what follows
    bool between;
    std::size_t sentence_or_follow, slot;
    auto operator<=>(const Place&) const = default;
  };
  struct Draft {  // an arc to be
    int word, slot, sense, to;
    auto operator<=>(const Draft&) const = default;
  };
  using Drafts = std::map<Draft, double>;

  std::size_t variable(std::string_view name) { return static_cast<std::size_t>(variables_.of(name)); }
  void find_what_is_needed();
  Variables needed_before(const Slot& slot, Variables behind);
  Variables needed_by(const Follow& follow) const;
  bool fits(const WordList& list, const Slot& slot, const Choice& choice, const Memory& memory);
  int state_at(Place place, Memory memory);
  Drafts arcs_between(const Follow& follow, const Memory& memory);
  void add_slot_arcs(std::size_t sentence, std::size_t at, const Memory& memory, double probability,
                     Drafts& arcs);

  const std::vector<WordList>& lists_;
  const Plot plot_;
  Numbers variables_, words_, senses_, values_;
  std::vector<std::vector<Variables>> needed_;  // before each slot of each sentence, and behind its last

  std::map<std::pair<Place, Memory>, int> made_;  // states; unknown while one is being made
  std::map<std::pair<std::vector<std::pair<Draft, double>>, bool>, int>
      same_;                  // states by arcs and by starting a sentence
  std::vector<Drafts> arcs_;  // of each state
  std::vector<bool> sentence_start_;
};

Compiler::Variables Compiler::needed_by(const Follow& follow) const {
  Variables needed;
  for (const auto& [group, weight] : follow) {
    for (const std::size_t sentence : plot_.sentences_of[group]) needed |= needed_[sentence].front();
  }
  return needed;
}

Compiler::Variables Compiler::needed_before(const Slot& slot, Variables behind) {
  if (slot.kind == Slot::plain) return behind;
  const WordList& list = lists_[slot.list];
  behind.set(variable(list.name), slot.kind == Slot::recall);
  for (std::size_t key = 0; key < list.keys.size() && slot.kind == Slot::choose; ++key) {
    behind.set(variable(list.keys[key]), !slot.sets[key]);
  }
  return behind;
}

void Compiler::find_what_is_needed() {
  for (const Sentence& sentence : plot_.sentences) needed_.emplace_back(sentence.slots.size() + 1);
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t s = plot_.sentences.size(); s-- > 0;) {
      const Sentence& sentence = plot_.sentences[s];
      const Variables first = needed_[s].front();
      needed_[s].back() = needed_by(plot_.follows[sentence.follow]);
      for (std::size_t i = sentence.slots.size(); i-- > 0;) {
        needed_[s][i] = needed_before(sentence.slots[i], needed_[s][i + 1]);
      }
      changed |= first != needed_[s].front();
    }
  }
}

bool Compiler::fits(const WordList& list, const Slot& slot, const Choice& choice, const Memory& memory) {
  for (std::size_t key = 0; key < list.keys.size(); ++key) {
    if (slot.sets[key]) continue;
    const int value = memory[variable(list.keys[key])];
    check(value != unknown, "grammar", "{", plot_.spellings[static_cast<std::size_t>(slot.spelling)],
          "}: no ", list.keys[key], " has been chosen before");
    if (choice.keys[key] != cut(values_.text(value), "/").first) return false;
  }
  return true;
}

void Compiler::add_slot_arcs(std::size_t sentence, std::size_t at, const Memory& memory, double probability,
                             Drafts& arcs) {
  const Slot& slot = plot_.sentences[sentence].slots[at];
  const auto add = [&](std::string_view word, std::string_view sense, double p, const Memory& then) {
    const int to = state_at({false, sentence, at + 1}, then);
    arcs[{words_.of(word), slot.spelling, senses_.of(sense), to}] += p;
  };
  if (slot.kind == Slot::plain) return add(slot.word, "", probability, memory);
  const WordList& list = lists_[slot.list];
  const std::string& spelling = plot_.spellings[static_cast<std::size_t>(slot.spelling)];
  const std::size_t own = variable(list.name);
  if (slot.kind == Slot::recall) {
    check(memory[own] != unknown, "grammar", "{", spelling, "}: there is nothing to recall");
    const std::string chosen = values_.text(memory[own]);
    const auto [word, sense] = cut(chosen, "/");
    return add(word, sense, probability, memory);
  }
  std::vector<const Choice*> choices;
  double total = 0;
  for (const Choice& choice : list.choices) {
    if (fits(list, slot, choice, memory)) choices.push_back(&choice), total += choice.weight;
  }
  check(total > 0, "grammar", "{", spelling, "}: the list has no line for what was chosen before");
  for (const Choice* choice : choices) {
    Memory then = memory;
    then[own] = values_.of(choice->sense.empty() ? choice->word : choice->word + "/" + choice->sense);
    for (std::size_t key = 0; key < list.keys.size(); ++key) {
      if (slot.sets[key]) then[variable(list.keys[key])] = values_.of(choice->keys[key]);
    }
    add(choice->word, choice->sense, probability * choice->weight / total, then);
  }
}

Compiler::Drafts Compiler::arcs_between(const Follow& follow, const Memory& memory) {
  Drafts arcs;
  double of_groups = 0;
  for (const auto& [group, weight] : follow) of_groups += weight;
  for (const auto& [group, weight] : follow) {
    double of_sentences = 0;
    for (const std::size_t s : plot_.sentences_of[group]) of_sentences += plot_.sentences[s].weight;
    for (const std::size_t s : plot_.sentences_of[group]) {
      add_slot_arcs(s, 0, memory, weight / of_groups * plot_.sentences[s].weight / of_sentences, arcs);
    }
  }
  return arcs;
}

// The state for a place and what is remembered there. Two with the same arcs are one.
int Compiler::state_at(Place place, Memory memory) {
  if (!place.between && place.slot == plot_.sentences[place.sentence_or_follow].slots.size()) {
    place = {true, plot_.sentences[place.sentence_or_follow].follow, 0};
  }
  const Follow* follow = place.between ? &plot_.follows[place.sentence_or_follow] : nullptr;
  if (follow && follow->empty()) return 0;

  const Variables needed = follow ? needed_by(*follow) : needed_[place.sentence_or_follow][place.slot];
  for (std::size_t i = 0; i < memory.size(); ++i) {
    if (!needed[i]) memory[i] = unknown;
  }
  const auto [made, is_new] = made_.try_emplace({place, memory}, unknown);
  check(is_new || made->second != unknown, "grammar", "the plot goes round in a circle");
  if (!is_new) return made->second;
  Drafts arcs;
  if (follow)
    arcs = arcs_between(*follow, memory);
  else
    add_slot_arcs(place.sentence_or_follow, place.slot, memory, 1, arcs);
  const auto [same, is_first] =
      same_.try_emplace({{arcs.begin(), arcs.end()}, place.between}, static_cast<int>(arcs_.size()));
  if (is_first) {
    arcs_.push_back(std::move(arcs));
    sentence_start_.push_back(place.between);
  }
  return made->second = same->second;
}

GrammarAutomaton Compiler::compile() {
  arcs_.resize(1);
  sentence_start_.push_back(true);
  Drafts of_start = arcs_between({{0, 1.0}}, Memory(variables_.texts().size(), unknown));
  arcs_[0] = std::move(of_start);

  std::vector<std::string> sorted = words_.texts();
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::pair<Arc, Telling>> all;
  for (std::size_t from = 0; from < arcs_.size(); ++from) {
    for (const auto& [draft, probability] : arcs_[from]) {
      const auto token =
          std::lower_bound(sorted.begin(), sorted.end(), words_.text(draft.word)) - sorted.begin();
      all.push_back(
          {{static_cast<std::int32_t>(from), draft.to, static_cast<std::int32_t>(token), probability},
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
  return {Vocabulary(std::move(sorted)),
          HiddenMarkov(states, tokens, std::move(arcs)),
          std::move(tellings),
          plot_.spellings,
          senses_.texts(),
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

GrammarAutomaton compile(const std::vector<WordList>& lists, std::string_view plot) {
  return Compiler(lists, plot).compile();
}

}  // namespace gradus::data
