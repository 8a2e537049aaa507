#include <gradus/data/lm_batches.h>

#include <algorithm>
#include <memory>

#include <gradus/core/check.h>
#include <gradus/data/random.h>
#include <gradus/data/streams.h>

namespace gradus::data {
namespace {

std::int64_t targets_of(const Ids& text) { return static_cast<std::int64_t>(text.size()) - 1; }

// The text must hold `rows` blocks and the id behind them.
void check_text(const Ids& text, std::int64_t batch_size, std::int64_t block, std::int64_t rows) {
  check(batch_size > 0 && block > 0, "lm_batches", "a batch has rows of ids: batch_size is ", batch_size,
        " and block ", block, ". Set both above 0?");
  check(!text.empty(), "lm_batches", "the text is empty. Was the right file read?");
  check(targets_of(text) / rows >= block, "lm_batches", "a text of ", text.size(), " ids is too short for ",
        rows, rows == 1 ? " block of " : " blocks of ", block,
        " and the id behind. Use smaller batches or blocks?");
  for (std::size_t i = 0; i < text.size(); ++i)
    check(text[i] >= 0, "lm_batches", "id ", i, " of the text is ", text[i],
          ". Ids are the rows of a table, from 0 up");
}

// Rows of `width` ids, and the ids that follow each, from where each row begins.
LmBatch cut(const Ids& text, const std::vector<std::int64_t>& begins, std::int64_t width, bool first) {
  const Shape shape{static_cast<std::int64_t>(begins.size()), width};
  const LmBatch batch{
      .input = Tensor::empty(shape, i64), .target = Tensor::empty(shape, i64), .begins = first};
  std::int64_t *input = batch.input.data<std::int64_t>(), *target = batch.target.data<std::int64_t>();
  for (const std::int64_t begin : begins) {
    const std::int64_t* const from = text.data() + begin;
    input = std::copy(from, from + width, input);
    target = std::copy(from + 1, from + width + 1, target);
  }
  return batch;
}

}  // namespace

Source<LmBatch> sequential_batches(Ids text, const SequentialOptions& options) {
  const auto [rows, block] = options;
  check_text(text, rows, block, rows);
  const std::int64_t stream = targets_of(text) / rows;
  const Bookmark bookmark((stream + block - 1) / block,
                          {{"text", targets_of(text) + 1}, {"batch_size", rows}, {"block", block}});
  return {bookmark, [rows = rows, block = block, stream,
                     text = std::make_shared<const Ids>(std::move(text))](const Place& place) {
            const std::int64_t from = place.batch * block;
            std::vector<std::int64_t> begins;
            for (std::int64_t row = 0; row < rows; ++row) begins.push_back(row * stream + from);
            return cut(*text, begins, std::min(block, stream - from), from == 0);
          }};
}

Source<LmBatch> window_batches(Ids text, const WindowOptions& options) {
  const std::int64_t block = options.block, targets = targets_of(text);
  check_text(text, options.batch_size, block, 1);
  const std::int64_t windows = std::max<std::int64_t>(1, (targets + 1 - block) / block);
  const std::int64_t offsets = targets - windows * block + 1;  // as many as leave room for all windows
  const Order order(windows, options.batch_size, options.seed);
  const Facts facts{{"text", targets + 1}, {"block", block}};
  return {order,
          [block, offsets, seed = options.seed, text = std::make_shared<const Ids>(std::move(text))](
              const std::vector<std::int64_t>& items, std::int64_t epoch) {
            const std::int64_t offset = Random(seed, {streams::offsets, epoch}).below(offsets);
            std::vector<std::int64_t> begins;
            for (const std::int64_t window : items) begins.push_back(offset + window * block);
            return cut(*text, begins, block, true);
          },
          facts};
}

}  // namespace gradus::data
