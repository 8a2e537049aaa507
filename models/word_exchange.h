// Second sentences that do not follow for the sake of one word, made by the BERT that is to learn from them.
//
//   [CLS] leo wished for a pie . [SEP] the pie was hot . [SEP]    follows
//   [CLS] leo wished for a pie . [SEP] the rose was hot . [SEP]   does not
//
// A sentence from elsewhere mostly speaks of something else altogether, and one look is enough to tell. Here
// every word between the two must be compared. In the spirit of Clark, Luong, Le & Manning 2020 (ELECTRA),
// where also a model's own guesses are to be told from the words that stood there, and of Meng et al. 2021
// (COCO-LM), where those words are to be said.
#pragma once

#include <optional>

#include <gradus/data/bert_batches.h>
#include <gradus/data/random.h>
#include <gradus/models/bert.h>

namespace gradus::models {

// Of `pairs`, which all follow and have words hidden, those in which an exchange was found, with nothing
// hidden and each of them twice: as it was, and with one word exchanged. The words of the second sentence
// that were hidden are asked for still. They stand there now, all but the exchanged one.
//
// What to exchange, the model says. It draws a word for each hidden one of a second sentence as if the first
// were that of another pair. If behind the right first sentence it finds this word twenty times less likely
// than the one that stood there, it does not belong. As long as the model does not look at first sentences,
// it finds none, and nothing is returned.
std::optional<data::BertBatch> with_words_exchanged(BertPretraining& model, const data::BertBatch& pairs,
                                                    const data::SpecialIds& special, data::Random& random);

}  // namespace gradus::models
