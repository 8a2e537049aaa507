#include <gradus/data/source.h>

#include <stdexcept>

#include <gradus/core/create.h>
#include <gradus/optim/training_state.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

struct Numbered {
  std::vector<std::int64_t> items;
  std::int64_t epoch;
  friend bool operator==(const Numbered&, const Numbered&) = default;
};

Source<Numbered> numbered(std::int64_t items = 10, std::int64_t batch_size = 4, std::uint64_t seed = 1) {
  return {Order(items, batch_size, seed),
          [](const std::vector<std::int64_t>& of_batch, std::int64_t epoch) {
            return Numbered{of_batch, epoch};
          },
          {{"kind", 7}}};
}

std::vector<NamedTensor> with(std::vector<NamedTensor> state, std::size_t i, const NamedTensor& entry) {
  state[i] = entry;
  return state;
}

}  // namespace

TEST_CASE("a source goes through its epochs without end, and at() moves nothing", "[data]") {
  Source<Numbered> source = numbered();
  CHECK(source.batches_per_epoch() == 3);
  for (std::int64_t epoch = 0; epoch < 4; ++epoch)
    for (std::int64_t batch = 0; batch < 3; ++batch) {
      CHECK(source.place() == Place{epoch, batch});
      const Numbered expected = numbered().at({epoch, batch});
      source.at({7, 1});
      CHECK(expected.items == Order(10, 4, 1).items({epoch, batch}));
      CHECK(source.next() == expected);
    }
}

TEST_CASE("resumed from any place, a source gives the same rest", "[data]") {
  Source<Numbered> source = numbered();
  const test::TemporaryFolder folder;
  const std::string path = folder / "training";
  for (int passed = 0; passed < 8; ++passed) {
    optim::save_training(path, {optim::part("batches", source)});
    Source<Numbered> resumed = numbered();
    optim::load_training(path, {optim::part("batches", resumed)});
    Source<Numbered> same = source;
    for (int batch = 0; batch < 7; ++batch) CHECK(resumed.next() == same.next());
    source.next();
  }
}

TEST_CASE("a state of other data, options or things is refused, and nothing changes", "[data]") {
  Source<Numbered> source = numbered();
  for (int batch = 0; batch < 4; ++batch) source.next();
  const std::vector<NamedTensor> state = source.state();
  REQUIRE(state[0].name == "place");
  const auto refused = [&](const std::vector<NamedTensor>& other) {
    const std::string message = message_of([&] { source.load_state(other); });
    CHECK(source.place() == Place{1, 1});
    return message;
  };
  CHECK(refused(numbered(10, 4, 2).state()) ==
        "[batches] the state is of other batches: seed is 2 there and 1 here. Use the data and the options "
        "it was "
        "saved with?");
  CHECK(refused(numbered(11).state()).find("items is 11 there and 10 here") != std::string::npos);
  CHECK(refused(numbered(10, 5).state()).find("batch_sequences is 5 there and 4 here") != std::string::npos);
  CHECK(refused({}) == "[batches] the state has no 'place'. Is it the state of something else?");
  CHECK(refused(with(state, 1, {"sead", state[1].value})) ==
        "[batches] the state has no 'seed'. Is it the state of something else?");
  CHECK(refused(with(state, 0, {"place", tensor({1, 2, 3}, i64)})) ==
        "[batches] 'place' of the state is i64 of shape (3,), not i64 of (2,). Is it the state of something "
        "else?");
  CHECK(refused(with(state, 0, {"place", tensor({1, 2}, f64)})).find("is f64 of shape (2,)") !=
        std::string::npos);
  CHECK(refused(with(state, 0, {"place", tensor({0, 3}, i64)})) ==
        "[batches] the state stands at batch 3 of epoch 0, and an epoch has 3. Is the file damaged?");
  CHECK(refused(with(state, 0, {"place", tensor({-1, 0}, i64)})).find("of epoch -1") != std::string::npos);
  std::vector<NamedTensor> longer = state;
  longer.push_back({"more", tensor({1}, i64)});
  CHECK(refused(longer) == "[batches] the state has 8 tensors, not 7. Is it the state of something else?");
  source.load_state(state);
  CHECK(source.place() == Place{1, 1});
}

TEST_CASE("a source stays where it is while a batch cannot be made", "[data]") {
  bool broken = false;
  Source<std::int64_t> source(Bookmark(5, {}), [&](const Place& place) {
    if (broken) throw std::runtime_error("no disk");
    return place.batch;
  });
  CHECK(source.next() == 0);
  broken = true;
  CHECK_THROWS_AS(source.next(), std::runtime_error);
  broken = false;
  CHECK(source.next() == 1);
}

TEST_CASE("a source refuses to have nothing, or one name for two numbers", "[data]") {
  CHECK(message_of([] { Bookmark(0, {}); }) ==
        "[batches] an epoch of 0 batches has no next one. Is the corpus empty?");
  CHECK(message_of([] {
          Bookmark(3, {{"a", 1}, {"a", 2}});
        }) == "[batches] two numbers of the state are called 'a'. Rename one?");
  CHECK(message_of([] { Bookmark(3, {{"place", 1}}); }).find("called 'place'") != std::string::npos);
}
