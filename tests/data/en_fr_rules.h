// French grammar as rules over the words of a pair, which know nothing of the tree that it was made from.
#pragma once

#include <string>
#include <vector>

#include <gradus/data/en_fr.h>

namespace gradus::test {

// What is wrong with a pair, a sentence each.
std::vector<std::string> broken_rules(const data::Pair& pair);

}  // namespace gradus::test
