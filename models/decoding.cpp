#include <gradus/models/decoding.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/autograd/ops/sort.h>
#include <gradus/core/check.h>
#include <gradus/core/create.h>

namespace gradus::models {
namespace {

void check_options(std::int64_t rows, const DecodeOptions& o, const char* op) {
  check(rows >= 0, op, "cannot write ", rows, " rows. How many does the writer have?");
  check(o.begin >= 0 && o.end >= 0, op, "begin and end are ids from 0 on, not ", o.begin, " and ", o.end,
        ". Does the vocabulary have them?");
  check(o.max_length > 0, op, "max_length must be above 0, not ", o.max_length, ". 64?");
}

// What the writer says next, one row for each id. (R, V)
Tensor next_logits(Writer& writer, const data::Ids& ids, const DecodeOptions& o, const char* op) {
  Tensor logits = writer.next(from_vector(ids).unsqueeze(1));
  check(logits.rank() == 2 && logits.size(0) == static_cast<std::int64_t>(ids.size()), op, "the writer gave ",
        logits.shape(), " for ", ids.size(), " rows. As many rows as it has?");
  check(o.end < logits.size(1), op, "the end, ", o.end, ", is none of the writer's ", logits.size(1),
        " tokens. Another tokenizer's?");
  return logits;
}

// From here on the writer's rows are those at these places.
void keep(Writer& writer, const data::Ids& places, std::size_t rows) {
  data::Ids all(rows);
  std::iota(all.begin(), all.end(), 0);
  if (!places.empty() && places != all) writer.keep_rows(from_vector(places));
}

}  // namespace

std::vector<data::Ids> greedy(Writer& writer, std::int64_t rows, const DecodeOptions& options) {
  const char* const op = "greedy";
  check_options(rows, options, op);
  std::vector<data::Ids> written(static_cast<std::size_t>(rows));
  data::Ids last(written.size(), options.begin), open(written.size());  // open: which rows go on
  std::iota(open.begin(), open.end(), 0);
  for (std::int64_t length = 1; length <= options.max_length && !open.empty(); ++length) {
    const data::Ids best = argmax(next_logits(writer, last, options, op), -1).to_vector<std::int64_t>();
    data::Ids still_open, places;
    last.clear();
    for (std::size_t place = 0; place < open.size(); ++place) {
      if (best[place] == options.end) continue;
      written[static_cast<std::size_t>(open[place])].push_back(best[place]);
      still_open.push_back(open[place]);
      places.push_back(static_cast<std::int64_t>(place));
      last.push_back(best[place]);
    }
    keep(writer, places, open.size());
    open = std::move(still_open);
  }
  return written;
}

namespace {

// An open hypothesis: its end has not come.
struct Open {
  std::int64_t row;
  data::Ids ids;
  double log_probability = 0;
};

// An open hypothesis and one more id.
struct Candidate {
  std::size_t parent;  // among the open ones
  std::int64_t id;
  double log_probability;
};

double penalty(std::int64_t length, const BeamOptions& o) {
  return std::pow((5 + static_cast<double>(length)) / 6, o.length_penalty);
}

// The `width` best candidates of each row that is open, the best first.
std::vector<std::vector<Candidate>> best_candidates(const std::vector<Open>& open, const Tensor& logits,
                                                    std::size_t rows, std::int64_t width) {
  const Sorted best = topk(log_softmax(logits, -1).to(f64), std::min(width, logits.size(1)));
  const auto log_p = best.values.to_vector<double>();
  const auto ids = best.indices.to_vector<std::int64_t>();
  const std::size_t each = ids.size() / open.size();
  std::vector<std::vector<Candidate>> candidates(rows);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::size_t parent = i / each;
    const double total = open[parent].log_probability + log_p[i];
    check(!std::isnan(total), "beam_search", "the writer's logits for row ", open[parent].row,
          " are not numbers. Did its training diverge?");
    if (total > -std::numeric_limits<double>::infinity())
      candidates[static_cast<std::size_t>(open[parent].row)].push_back({parent, ids[i], total});
  }
  for (std::vector<Candidate>& of_row : candidates) {
    std::stable_sort(of_row.begin(), of_row.end(), [](const Candidate& a, const Candidate& b) {
      return a.log_probability > b.log_probability;
    });
    if (of_row.size() > static_cast<std::size_t>(width)) of_row.resize(static_cast<std::size_t>(width));
  }
  return candidates;
}

// Adds one to the best that were found.
void add(std::vector<Hypothesis>& found, Hypothesis more, std::int64_t width) {
  const auto worse = [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; };
  found.insert(std::upper_bound(found.begin(), found.end(), more, worse), std::move(more));
  if (found.size() > static_cast<std::size_t>(width)) found.pop_back();
}

}  // namespace

std::vector<std::vector<Hypothesis>> beam_search(Writer& writer, std::int64_t rows,
                                                 const BeamOptions& options) {
  const char* const op = "beam_search";
  const DecodeOptions& decode = options.decode;
  check_options(rows, decode, op);
  check(options.width > 0, op, "the width must be above 0, not ", options.width, ". 1 for greedy?");
  check(options.length_penalty >= 0 && std::isfinite(options.length_penalty), op,
        "length_penalty must be a number from 0 on, not ", options.length_penalty, ". 0 for none?");
  std::vector<std::vector<Hypothesis>> found(static_cast<std::size_t>(rows));
  std::vector<Open> open;
  for (std::int64_t row = 0; row < rows; ++row) open.push_back({row, {}});

  for (std::int64_t length = 1; length <= decode.max_length && !open.empty(); ++length) {
    data::Ids last;
    for (const Open& one : open) last.push_back(one.ids.empty() ? decode.begin : one.ids.back());
    const auto candidates =
        best_candidates(open, next_logits(writer, last, decode, op), found.size(), options.width);
    std::vector<Open> next;
    data::Ids parents;
    for (std::size_t row = 0; row < found.size(); ++row) {
      const std::size_t first = next.size();
      for (const auto& [parent, id, log_p] : candidates[row]) {
        data::Ids ids = open[parent].ids;
        if (id != decode.end) ids.push_back(id);
        if (id == decode.end || length == decode.max_length) {
          add(found[row], {std::move(ids), log_p, log_p / penalty(length, options)}, options.width);
          continue;
        }
        next.push_back({static_cast<std::int64_t>(row), std::move(ids), log_p});
        parents.push_back(static_cast<std::int64_t>(parent));
      }
      // A row is done when what is open cannot get among its best. log P <= 0 falls with each token, and is
      // divided by the most at max_length: so log P now over the penalty then is above all that can come of
      // a hypothesis. The first of the open ones has the highest.
      const bool full = found[row].size() == static_cast<std::size_t>(options.width);
      if (full && next.size() > first &&
          next[first].log_probability / penalty(decode.max_length, options) <= found[row].back().score) {
        next.resize(first);
        parents.resize(first);
      }
    }
    keep(writer, parents, open.size());
    open = std::move(next);
  }
  return found;
}

}  // namespace gradus::models
