#include <gradus/data/bert_batches.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

const SpecialIds special{.padding = 0, .unknown = 1, .cls = 2, .sep = 3, .mask = 4};

// Every token stands in one place alone: its number tells document and sentence.
struct Corpus {
  struct Home {
    std::int64_t document, sentence;
  };
  std::vector<Document> documents;
  std::map<std::int64_t, Home> homes;
  std::int64_t vocabulary = 5, pairs = 0;
};

Corpus some_corpus() {
  Random random(37, 0);
  Corpus corpus;
  for (std::int64_t d = 0; d < 40; ++d) {
    Document document(static_cast<std::size_t>(1 + d % 9));  // some have one sentence alone
    corpus.pairs += d % 9;
    for (std::size_t s = 0; s < document.size(); ++s)
      for (std::int64_t left = 1 + random.below(8); left > 0; --left) {
        corpus.homes[corpus.vocabulary] = {d, static_cast<std::int64_t>(s)};
        document[s].push_back(corpus.vocabulary++);
      }
    corpus.documents.push_back(document);
  }
  return corpus;
}

BertOptions options_for(const Corpus& corpus, std::int64_t longest = 32) {
  return {.batch_size = 16,
          .longest = longest,
          .masking = {.vocabulary = corpus.vocabulary, .special = special},
          .seed = 6};
}

Ids numbers(const Tensor& x) { return x.contiguous().to_vector<std::int64_t>(); }

struct Row {
  Ids ids, original, segments, labels;
  bool is_random;
};

// What is real of each row, and what stood there before tokens were hidden.
std::vector<Row> rows_of(const BertBatch& batch) {
  std::vector<Row> rows;
  for (std::int64_t r = 0; r < batch.ids.size(0); ++r) {
    Row row{numbers(batch.ids[r]),
            {},
            numbers(batch.segments[r]),
            numbers(batch.labels[r]),
            batch.is_random[r].item() == 1};
    std::size_t length = 0;
    for (std::int64_t t = 0; t < batch.ids.size(1); ++t) length += batch.mask[r][t].item() == 1;
    for (std::size_t t = 0; t < row.ids.size(); ++t) {
      CHECK((batch.mask[r][static_cast<std::int64_t>(t)].item() == 1) == (t < length));
      if (t >= length) CHECK((row.ids[t] == 0 && row.segments[t] == 0 && row.labels[t] == ignore_index));
    }
    for (Ids* each : {&row.ids, &row.segments, &row.labels}) each->resize(length);
    row.original = row.ids;
    for (std::size_t t = 0; t < length; ++t)
      if (row.labels[t] != ignore_index) row.original[t] = row.labels[t];
    rows.push_back(row);
  }
  return rows;
}

}  // namespace

TEST_CASE("a row is [CLS] a [SEP] b [SEP], and b follows a or is of another document", "[data]") {
  const Corpus corpus = some_corpus();
  const Source<BertBatch> source = bert_batches(corpus.documents, options_for(corpus));
  for (std::int64_t epoch = 0; epoch < 30; ++epoch) {
    std::set<std::pair<std::int64_t, std::int64_t>> firsts;
    for (std::int64_t i = 0; i < source.batches_per_epoch(); ++i)
      for (const Row& row : rows_of(source.at({epoch, i}))) {
        const auto sep = std::find(row.original.begin(), row.original.end(), special.sep);
        REQUIRE(row.original.front() == special.cls);
        REQUIRE(row.original.back() == special.sep);
        REQUIRE(sep != row.original.end() - 1);
        const Ids a(row.original.begin() + 1, sep), b(sep + 1, row.original.end() - 1);
        const Corpus::Home at = corpus.homes.at(a[0]), next = corpus.homes.at(b[0]);
        CHECK(firsts.insert({at.document, at.sentence}).second);
        const auto sentence = [&](const Corpus::Home& home) {
          return corpus
              .documents[static_cast<std::size_t>(home.document)][static_cast<std::size_t>(home.sentence)];
        };
        CHECK(a == sentence(at));
        CHECK(b == sentence(next));
        if (row.is_random)
          CHECK(at.document != next.document);
        else
          CHECK((at.document == next.document && at.sentence + 1 == next.sentence));
        Ids segments(a.size() + 2, 0);
        segments.resize(row.original.size(), 1);
        CHECK(row.segments == segments);
      }
    CHECK(firsts.size() == static_cast<std::size_t>(corpus.pairs));
  }
}

TEST_CASE("so many second sentences follow, 15 % of the tokens are hidden, and every other sentence is drawn",
          "[data]") {
  const Corpus corpus = some_corpus();
  BertOptions options = options_for(corpus);
  const double share = GENERATE(0.5, 0.25);
  if (share != 0.5) options.random = share;  // which is BERT's
  const Source<BertBatch> source = bert_batches(corpus.documents, options);
  double rows = 0, random = 0, tokens = 0, hidden = 0;
  std::set<std::pair<std::int64_t, std::int64_t>> drawn;
  for (std::int64_t epoch = 0; epoch < 60; ++epoch)
    for (std::int64_t i = 0; i < source.batches_per_epoch(); ++i) {
      const BertBatch batch = source.at({epoch, i});
      const Ids ids = numbers(batch.ids), labels = numbers(batch.labels), answers = numbers(batch.is_random);
      for (std::size_t t = 0; t < ids.size(); ++t) {
        const bool is_hidden = labels[t] != ignore_index;
        hidden += is_hidden;
        tokens += is_hidden || ids[t] >= 5;
      }
      for (std::size_t row = 0; row < answers.size(); ++row) {
        ++rows;
        random += static_cast<double>(answers[row]);
        const Ids one(ids.begin() + static_cast<std::ptrdiff_t>(row) * batch.ids.size(1),
                      ids.begin() + static_cast<std::ptrdiff_t>(row + 1) * batch.ids.size(1));
        const auto second = std::find(one.begin(), one.end(), special.sep) + 1;
        if (answers[row] == 1 && *second >= 5) {
          const Corpus::Home home = corpus.homes.at(*second);
          drawn.insert({home.document, home.sentence});
        }
      }
    }
  CHECK(std::abs(random / rows - share) < 4 * std::sqrt(share * (1 - share) / rows));
  CHECK(std::abs(hidden / tokens - 0.15) < 4 * std::sqrt(0.15 * 0.85 / tokens));
  std::size_t sentences = 0;
  for (const Document& document : corpus.documents) sentences += document.size();
  CHECK(drawn.size() == sentences);
}

TEST_CASE("a near sentence from elsewhere shares words with the right one and is not the same", "[data]") {
  // Of the second sentences two in three are like each other, in two forms.
  constexpr std::int64_t documents = 30;
  const Ids one{40, 41, 42, 50}, other{40, 51, 41, 42};
  std::vector<Document> corpus;
  for (std::int64_t d = 0; d < documents; ++d)
    corpus.push_back({{5 + d}, d % 3 == 0 ? one : d % 3 == 1 ? other : Ids{60 + d, 60 + d}});
  const BertOptions options{.batch_size = 10,
                            .longest = 16,
                            .masking = {.vocabulary = 100, .special = special},
                            .random = 1,
                            .near = GENERATE(1.0, 0.4)};
  const Source<BertBatch> source = bert_batches(corpus, options);
  double rows = 0, nearest = 0;
  for (std::int64_t epoch = 0; epoch < 200; ++epoch)
    for (std::int64_t i = 0; i < source.batches_per_epoch(); ++i)
      for (const Row& row : rows_of(source.at({epoch, i}))) {
        const std::int64_t document = row.original[1] - 5;
        if (document % 3 == 2) continue;
        const Ids second(row.original.begin() + 3, row.original.end() - 1);
        if (options.near == 1) CHECK(second != (document % 3 == 0 ? one : other));
        ++rows;
        nearest += second == (document % 3 == 0 ? other : one);
      }
  // One of sixteen draws, or of one, is among the third of the second sentences that has the other form.
  const double among = (documents / 3.0) / (2 * documents - 2);
  const double share = options.near * (1 - std::pow(1 - among, 16)) + (1 - options.near) * among;
  CHECK(std::abs(nearest / rows - share) < 4 * std::sqrt(share * (1 - share) / rows));
}

TEST_CASE("segments of several sentences are whole ones in a row, as many in all rows of a batch", "[data]") {
  const Corpus corpus = some_corpus();
  constexpr std::int64_t most = 3;
  const std::int64_t longest = GENERATE(19, 64);  // two sentences have 16 tokens at most, six 48
  BertOptions options = options_for(corpus, longest);
  options.most_sentences = most;
  const Source<BertBatch> source = bert_batches(corpus.documents, options);
  // How many batches drew so many sentences, seen where the document and the row have room for all.
  std::vector<double> of_first(most), of_second(most);
  for (std::int64_t epoch = 0; epoch < 200; ++epoch)
    for (std::int64_t i = 0; i < source.batches_per_epoch(); ++i) {
      std::set<std::int64_t> firsts, seconds;
      for (const Row& row : rows_of(source.at({epoch, i}))) {
        CHECK(static_cast<std::int64_t>(row.ids.size()) <= longest);
        const auto sep = std::find(row.original.begin(), row.original.end(), special.sep);
        const Ids a(row.original.begin() + 1, sep), b(sep + 1, row.original.end() - 1);
        const auto document_of = [&](const Corpus::Home& home) -> const Document& {
          return corpus.documents[static_cast<std::size_t>(home.document)];
        };
        const auto run = [&](const Corpus::Home& from, const Corpus::Home& to) {
          Ids ids;
          for (std::int64_t s = from.sentence; s <= to.sentence; ++s) {
            const Ids& sentence = document_of(from)[static_cast<std::size_t>(s)];
            ids.insert(ids.end(), sentence.begin(), sentence.end());
          }
          return ids;
        };
        const Corpus::Home begin = corpus.homes.at(a.front()), end = corpus.homes.at(a.back()),
                           next = corpus.homes.at(b.front()), last = corpus.homes.at(b.back());
        CHECK(a == run(begin, end));
        CHECK(b == run(next, last));
        if (row.is_random)
          CHECK(next.document != end.document);
        else
          CHECK((next.document == end.document && next.sentence == end.sentence + 1));
        const std::int64_t in_first = end.sentence - begin.sentence + 1,
                           in_second = last.sentence - next.sentence + 1;
        REQUIRE(std::max(in_first, in_second) <= most);
        if (end.sentence + 1 >= most) firsts.insert(in_first);
        if (std::ssize(document_of(next)) - next.sentence >= most) seconds.insert(in_second);
      }
      if (longest < 64) continue;  // where a sentence fits in one row and not in another
      REQUIRE(std::max(firsts.size(), seconds.size()) <= 1);
      for (const std::int64_t count : firsts) ++of_first[static_cast<std::size_t>(count - 1)];
      for (const std::int64_t count : seconds) ++of_second[static_cast<std::size_t>(count - 1)];
    }
  if (longest < 64) return;
  for (const std::vector<double>& counts : {of_first, of_second}) {
    const double all = std::accumulate(counts.begin(), counts.end(), 0.0);
    constexpr double share = 1.0 / most;
    for (const double count : counts)
      CHECK(std::abs(count / all - share) < 4 * std::sqrt(share * (1 - share) / all));
  }
}

TEST_CASE("each epoch hides other tokens, and the same epoch the same ones", "[data]") {
  const Corpus corpus = some_corpus();
  const auto hidden_in = [&](std::int64_t epoch) {
    const Source<BertBatch> source = bert_batches(corpus.documents, options_for(corpus));
    std::set<std::int64_t> hidden;
    for (std::int64_t i = 0; i < source.batches_per_epoch(); ++i)
      for (const std::int64_t label : numbers(source.at({epoch, i}).labels)) hidden.insert(label);
    return hidden;
  };
  const std::set<std::int64_t> first = hidden_in(0), second = hidden_in(1);
  CHECK(first == hidden_in(0));
  std::size_t both = 0;
  for (const std::int64_t id : first) both += second.count(id);
  CHECK(both < first.size() / 2);
}

TEST_CASE("what is too long loses the ends of its longer sentence", "[data]") {
  const Ids a{10, 11, 12, 13, 14}, b{20, 21, 22};
  CHECK(bert_input(a, b, special, 64).ids == Ids{2, 10, 11, 12, 13, 14, 3, 20, 21, 22, 3});
  CHECK(bert_input(a, b, special, 10).ids == Ids{2, 10, 11, 12, 13, 3, 20, 21, 22, 3});
  const BertInput cut = bert_input(a, b, special, 8);
  CHECK(cut.ids == Ids{2, 10, 11, 3, 20, 21, 22, 3});
  CHECK(cut.segments == Ids{0, 0, 0, 0, 1, 1, 1, 1});
  CHECK(bert_input(a, b, special, 5).ids == Ids{2, 10, 3, 20, 3});
  const BertInput alone = bert_input(a, {}, special, 6);
  CHECK(alone.ids == Ids{2, 10, 11, 12, 13, 3});
  CHECK(alone.segments == Ids(6, 0));
}

TEST_CASE("no row of a batch is longer than the limit", "[data]") {
  const Corpus corpus = some_corpus();
  const Source<BertBatch> source = bert_batches(corpus.documents, options_for(corpus, 9));
  for (std::int64_t i = 0; i < source.batches_per_epoch(); ++i)
    for (const Row& row : rows_of(source.at({0, i}))) {
      CHECK(row.ids.size() <= 9);
      CHECK(std::count(row.ids.begin(), row.ids.end(), special.sep) == 2);
    }
}

TEST_CASE("BERT's batches refuse corpora without pairs", "[data]") {
  Corpus corpus;
  corpus.vocabulary = 10;
  const auto refused = [&](const std::vector<Document>& documents, std::int64_t longest = 16) {
    return message_of([&] { bert_batches(documents, options_for(corpus, longest)); });
  };
  CHECK(refused({}) == "[bert_batches] there are no sentences. Is the corpus empty?");
  CHECK(refused({{{5}}, {{6}}}) ==
        "[bert_batches] no sentence has a next one: a document is a list of sentences. Are they one document "
        "each?");
  CHECK(refused({{{5}, {6}}, {}}) ==
        "[bert_batches] sentences that do not follow are taken from other documents, and there is one alone. "
        "Cut "
        "it in several?");
  CHECK(refused({{{5}, {6}}, {{7}}}, 4) ==
        "[bert_batches] two sentences and three special tokens do not fit into 4 ids. 64?");
  CHECK(refused({{{5}, {}}, {{7}}}) == "[bert_batches] sentence 1 has no ids. Leave it out?");
  CHECK(refused({{{5}, {6}}, {{7, 10}}}) ==
        "[bert_batches] sentence 2 has an id 10, and the vocabulary has 10. Another tokenizer's?");
  for (const double share : {-0.1, 1.5, std::nan("")}) {
    BertOptions options = options_for(corpus);
    options.random = share;
    CHECK(message_of([&] {
            bert_batches({{{5}, {6}}, {{7}}}, options);
          })
              .starts_with("[bert_batches] the part of second sentences that is from elsewhere must be from "
                           "0 to 1, not "));
    options = options_for(corpus);
    options.near = share;
    CHECK(message_of([&] {
            bert_batches({{{5}, {6}}, {{7}}}, options);
          })
              .starts_with("[bert_batches] the part of these that is hard to tell from the right one must be "
                           "from 0 to 1, not "));
  }
  BertOptions none = options_for(corpus);
  none.most_sentences = 0;
  CHECK(message_of([&] {
          bert_batches({{{5}, {6}}, {{7}}}, none);
        }) == "[bert_batches] a segment has one sentence or more, not at most 0. 1?");
  corpus.vocabulary = 4;
  CHECK(refused({{{2}, {3}}, {{1}}}).find("are not five of a vocabulary of 4") != std::string::npos);
  CHECK(message_of([] { bert_input(Ids{5}, Ids{6}, special, 4); }) ==
        "[bert_input] an input has 5 ids or more, and may have 4. 64?");
  CHECK(message_of([] { bert_input({}, Ids{6}, special, 9); }) ==
        "[bert_input] the first sentence has no ids. Is the second one the only one?");
}
