// Writers that say what they are told, for the tests of what asks a writer.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gradus/core/create.h>
#include <gradus/data/characters.h>
#include <gradus/models/decoding.h>

#include "support/catch.h"

namespace gradus::test {

inline data::Characters letters(const std::string& all) {
  data::CharactersTrainer trainer({});
  trainer.add(all);
  return trainer.train();
}

// Gives the same logits all the time, and remembers what it was told.
class Same final : public models::Writer {
 public:
  explicit Same(const std::vector<double>& logits) : logits_(from_vector(logits).unsqueeze(0)) {}
  Tensor next(const Tensor& ids) override {
    for (const std::int64_t id : ids.to_vector<std::int64_t>()) read.push_back(id);
    return logits_;
  }
  void keep_rows(const Tensor&) override { FAIL("nothing is searched"); }

  data::Ids read;

 private:
  Tensor logits_;
};

// Wants the ids of a list, one after the other, whatever it reads.
class Scripted final : public models::Writer {
 public:
  Scripted(data::Ids script, std::int64_t vocabulary, std::function<void()> before_each = {})
      : script_(std::move(script)), vocabulary_(vocabulary), before_each_(std::move(before_each)) {}
  Tensor next(const Tensor&) override {
    if (before_each_) before_each_();
    std::vector<double> logits(static_cast<std::size_t>(vocabulary_),
                               -std::numeric_limits<double>::infinity());
    logits.at(static_cast<std::size_t>(script_.at(at_++))) = 0;
    return from_vector(logits).unsqueeze(0);
  }
  void keep_rows(const Tensor&) override { FAIL("nothing is searched"); }

 private:
  data::Ids script_;
  std::int64_t vocabulary_;
  std::function<void()> before_each_;
  std::size_t at_ = 0;
};

}  // namespace gradus::test
