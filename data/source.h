// A source of batches is what fit and Prefetch take. It has
//
//   Batch next();                               the next batch, epoch after epoch without end
//   std::int64_t batches_per_epoch() const;
//   std::vector<NamedTensor> state() const;     where it stands
//   void load_state(state);                     goes on from there
//
// where a Batch is a struct of tensors. The sources of this folder are functions of (seed, epoch, number of
// the batch), so that what comes after a resume, or out of several threads, is what would have come anyway.
// An evaluation goes through at({0, 0}), at({0, 1}), ..., which moves nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <gradus/core/tensor.h>
#include <gradus/data/order.h>

namespace gradus::data {

// A place in endless epochs, and the facts that a saved one must agree in.
class Bookmark {
 public:
  Bookmark(std::int64_t batches_per_epoch, Facts facts);

  const Place& place() const { return place_; }
  std::int64_t batches_per_epoch() const { return batches_per_epoch_; }
  void turn();  // on to the next batch

  std::vector<NamedTensor> state() const;
  // Refuses a state of other data or options, and then changes nothing.
  void load_state(const std::vector<NamedTensor>& state);

 private:
  std::int64_t batches_per_epoch_;
  Facts facts_;
  Place place_;
};

//   const auto chosen = [=](const std::vector<std::int64_t>& items, std::int64_t) {
//     const Tensor ids = from_vector(items);
//     return Pictures{index_select(images, 0, ids), index_select(labels, 0, ids)};
//   };
//   Source<Pictures> batches(Order(60000, 64, seed), chosen);
template <class Batch>
class Source {
 public:
  // What makes a batch must not depend on anything that changes, and must bear to be called by several
  // threads at once.
  using Make = std::function<Batch(const Place& place)>;
  using MakeOfItems = std::function<Batch(const std::vector<std::int64_t>& items, std::int64_t epoch)>;

  Source(Bookmark bookmark, Make make) : bookmark_(std::move(bookmark)), make_(std::move(make)) {}
  // Facts are those that the order does not know.
  Source(const Order& order, MakeOfItems make, Facts facts = {})
      : bookmark_(order.batches_per_epoch(), joined(order.facts(), std::move(facts))),
        make_([order, make = std::move(make)](const Place& place) {
          return make(order.items(place), place.epoch);
        }) {}

  // Where making it throws, the source stays where it is.
  Batch next() {
    Batch batch = at(bookmark_.place());
    bookmark_.turn();
    return batch;
  }
  Batch at(const Place& place) const { return make_(place); }
  // The place of the next batch, which is left to the caller to make.
  Place skip() {
    const Place place = bookmark_.place();
    bookmark_.turn();
    return place;
  }

  const Place& place() const { return bookmark_.place(); }
  std::int64_t batches_per_epoch() const { return bookmark_.batches_per_epoch(); }
  std::vector<NamedTensor> state() const { return bookmark_.state(); }
  void load_state(const std::vector<NamedTensor>& state) { bookmark_.load_state(state); }

 private:
  static Facts joined(Facts facts, Facts more) {
    facts.insert(facts.end(), more.begin(), more.end());
    return facts;
  }

  Bookmark bookmark_;
  Make make_;
};

}  // namespace gradus::data
