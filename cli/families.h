// The families there are, each in a file of its own.
#pragma once

#include <gradus/cli/family.h>

namespace gradus::cli {

FamilyEntry gpt();
FamilyEntry bert();
FamilyEntry finetuned_bert();
FamilyEntry recurrent_lm();
FamilyEntry resnet();
FamilyEntry seq2seq();
FamilyEntry transformer();
FamilyEntry vit();
FamilyEntry word2vec();

}  // namespace gradus::cli
