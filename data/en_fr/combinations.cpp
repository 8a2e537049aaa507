#include <gradus/data/en_fr/grammar.h>

namespace gradus::data::en_fr {

namespace {

class Finder {
 public:
  std::vector<Combination> found;

  void sentence(const Sentence& s) {
    clause(s.first, s.first.subject);
    if (s.conjunction == Conjunction::none) return;
    const bool is_firsts =
        s.second.left_out == LeftOut::subject || s.second.subject.antecedent == Antecedent::subject;
    const bool is_object = s.second.subject.antecedent == Antecedent::object;
    clause(s.second, is_firsts ? s.first.subject : is_object ? *s.first.object : s.second.subject);
  }

 private:
  void with(std::string_view word, const Phrase& p) {
    if (!p.is_pronoun()) found.push_back({word, p.noun != nullptr ? p.noun->english : p.name->spelling});
    if (p.also) with(word, *p.also);
  }

  // `subject` is who is meant where the clause has a pronoun or nothing.
  void clause(const Clause& c, const Phrase& subject) {
    with(c.quality != nullptr ? c.quality->english : c.verb->english.base, subject);
    if (c.left_out != LeftOut::subject) phrase(c.subject);
    if (c.object) phrase(*c.object);
    if (c.recipient) phrase(*c.recipient);
    if (c.place) phrase(*c.place);
  }

  void phrase(const Phrase& p) {
    if (p.before != nullptr) with(p.before->english, p);
    if (p.behind != nullptr) with(p.behind->english, p);
    if (p.owner) phrase(*p.owner);
    if (p.also) phrase(*p.also);
    if (p.relative) clause(*p.relative, p.relative->left_out == LeftOut::subject ? p : p.relative->subject);
  }
};

}  // namespace

std::vector<Combination> combinations_of(const Sentence& sentence) {
  Finder finder;
  finder.sentence(sentence);
  return std::move(finder.found);
}

}  // namespace gradus::data::en_fr
