// The tables that the world of the stories is made of; data/stories.h shows them.
#pragma once

#include <string_view>

namespace gradus::data::tables {

extern const std::string_view topic_words, shared_words;  // lists, as grammar.h reads them
extern const std::string_view plot;
extern const std::string_view synonyms;

}  // namespace gradus::data::tables
