// Sentences about one little scene, told from patterns with the words of the stories.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/random.h>
#include <gradus/data/stories.h>

namespace gradus::data::families {

// The stories that the tasks are set in.
const Stories& world();

class Scene {
 public:
  explicit Scene(Random& random) : random_(&random) {}

  // {list} is a word of that list of the stories, any that agrees with what is known of the scene: the place
  // of the topic, the pronoun of the gender. The word is then known under the list's name, and its keys are
  // known. {=name} is what is known under this name.
  std::string tell(std::string_view pattern);

  const std::string& choose(std::string_view list);
  const std::string& known(std::string_view name) const;
  void know(std::string_view name, std::string_view word);

  // Two objects of different kinds: object and kind, object2 and kind2. The topic becomes the first one's.
  void choose_two_objects();
  // Two people: x and y. Of one gender, which is then known, or of any.
  void choose_two_people(bool of_one_gender = false);

 private:
  Random* random_;
  std::map<std::string, std::string, std::less<>> known_;
};

// A word that says the same, or "".
const std::string& synonym_of(std::string_view word);
// The text with a synonym for about half of the words that have one.
std::string reworded(std::string_view text, Random& random);

std::vector<std::string_view> words_of(std::string_view text);  // which lie between single spaces

}  // namespace gradus::data::families
