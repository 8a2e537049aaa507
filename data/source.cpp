#include <gradus/data/source.h>

#include <set>

#include <gradus/core/check.h>
#include <gradus/core/create.h>

namespace gradus::data {
namespace {

constexpr const char* place_name = "place";

// The numbers of the tensor of that name.
std::vector<std::int64_t> numbers(const std::vector<NamedTensor>& state, const std::string& name,
                                  std::int64_t count) {
  for (const NamedTensor& entry : state) {
    if (entry.name != name) continue;
    check(entry.value.dtype() == i64 && entry.value.shape() == Shape{count}, "batches", "'", name,
          "' of the state is ", entry.value.dtype(), " of shape ", entry.value.shape(), ", not i64 of ",
          Shape{count}, ". Is it the state of something else?");
    return entry.value.to_vector<std::int64_t>();
  }
  fail("batches", "the state has no '", name, "'. Is it the state of something else?");
}

}  // namespace

Bookmark::Bookmark(std::int64_t batches_per_epoch, Facts facts)
    : batches_per_epoch_(batches_per_epoch), facts_(std::move(facts)) {
  check(batches_per_epoch > 0, "batches", "an epoch of ", batches_per_epoch,
        " batches has no next one. Is the corpus empty?");
  std::set<std::string> names{place_name};
  for (const auto& [name, number] : facts_)
    check(names.insert(name).second, "batches", "two numbers of the state are called '", name,
          "'. Rename one?");
}

void Bookmark::turn() {
  if (++place_.batch < batches_per_epoch_) return;
  place_ = {.epoch = place_.epoch + 1, .batch = 0};
}

std::vector<NamedTensor> Bookmark::state() const {
  std::vector<NamedTensor> state{
      {place_name, from_vector(std::vector<std::int64_t>{place_.epoch, place_.batch})}};
  for (const auto& [name, number] : facts_)
    state.push_back({name, from_vector(std::vector<std::int64_t>{number})});
  return state;
}

void Bookmark::load_state(const std::vector<NamedTensor>& state) {
  const std::vector<std::int64_t> place = numbers(state, place_name, 2);
  for (const auto& [name, number] : facts_) {
    const std::int64_t saved = numbers(state, name, 1)[0];
    check(saved == number, "batches", "the state is of other batches: ", name, " is ", saved, " there and ",
          number, " here. Use the data and the options it was saved with?");
  }
  check(state.size() == facts_.size() + 1, "batches", "the state has ", state.size(), " tensors, not ",
        facts_.size() + 1, ". Is it the state of something else?");
  check(place[0] >= 0 && place[1] >= 0 && place[1] < batches_per_epoch_, "batches",
        "the state stands at batch ", place[1], " of epoch ", place[0], ", and an epoch has ",
        batches_per_epoch_, ". Is the file damaged?");
  place_ = {.epoch = place[0], .batch = place[1]};
}

}  // namespace gradus::data
