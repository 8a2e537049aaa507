#include <gradus/data/pair_batches.h>

#include <algorithm>
#include <memory>

#include <gradus/core/check.h>
#include <gradus/core/create.h>

namespace gradus::data {

Source<PairBatch> pair_batches(std::vector<IdsPair> pairs, const PairOptions& options) {
  std::vector<std::int64_t> lengths;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    check(!pairs[i].source.empty(), "pair_batches", "pair ", i, " has nothing to read. Leave it out?");
    lengths.push_back(
        static_cast<std::int64_t>(std::max(pairs[i].source.size(), pairs[i].target.size() + 1)));
  }
  return {Order(lengths, options.size, options.seed),
          [ids = options.ids, pairs = std::make_shared<const std::vector<IdsPair>>(std::move(pairs))](
              const std::vector<std::int64_t>& items, std::int64_t) {
            std::vector<IdsView> sources, targets;
            for (const std::int64_t item : items) {
              const IdsPair& pair = (*pairs)[static_cast<std::size_t>(item)];
              sources.emplace_back(pair.source);
              targets.emplace_back(pair.target);
            }
            return PairBatch{.source = pad(sources, ids.padding),
                             .target = shift(targets, ids),
                             .items = from_vector(items)};
          }};
}

}  // namespace gradus::data
