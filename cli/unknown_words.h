// What of a text a model does not see.
#pragma once

#include <string>
#include <vector>

#include <gradus/data/tokenizer.h>

namespace gradus::cli {

// Says on standard error which words of the texts, as they are written there, are read as [UNK].
void tell_unknown_words(const std::string& verb, const data::Tokenizer& tokenizer,
                        const std::vector<std::string>& texts);

}  // namespace gradus::cli
