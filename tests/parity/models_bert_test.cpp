// BERT, its pre-training and the heads of its tasks against PyTorch.
#include <gradus/autograd/ops/compare.h>
#include <gradus/models/bert_tasks.h>

#include "support/catch.h"
#include "support/golden.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

BertConfig small(std::int64_t layers) {
  return {.vocabulary = 7, .context = 5, .width = 4, .layers = layers, .heads = 2, .hidden = 6, .dropout = 0};
}

BertText text_of(const NamedValues& in) { return {in["ids"], in["segments"], in["mask"]}; }

ParityCase task(TaskHead head, std::int64_t outputs) {
  BertTask model({.bert = small(1), .head = head, .outputs = outputs, .dropout = 0});
  return layer(std::move(model), [head](BertTask& m, const NamedValues& in) {
    const BertText text = text_of(in);
    const auto flat = [&](const Tensor& x) { return head == TaskHead::choice ? x.flatten(0, 1) : x; };
    const Tensor pooled = m.bert.pooled(m.bert({flat(text.ids), flat(text.segments), flat(text.mask)}));
    Tensor logits = m(text);
    if (head == TaskHead::span) logits = masked_fill(logits, logical_not(text.mask).unsqueeze(1), 0);
    return NamedValues{{"pooled", pooled}, {"logits", logits}, {"loss", m.loss(text, in["labels"])}};
  });
}

}  // namespace

TEST_CASE("BERT, its pre-training and its tasks agree with PyTorch", "[parity][model]") {
  std::map<std::string, ParityCase> cases;
  cases["bert"] = layer(Bert(small(2)), [](Bert& m, const NamedValues& in) {
    const Tensor tokens = m(text_of(in));
    return NamedValues{{"tokens", tokens}, {"pooled", m.pooled(tokens)}};
  });
  cases["pretraining"] = layer(BertPretraining(small(2)), [](BertPretraining& m, const NamedValues& in) {
    const Tensor tokens = m.bert(text_of(in));
    const BertPretraining::Loss loss =
        m.loss({in["ids"], in["segments"], in["mask"], in["labels"], in["is_random"]});
    return NamedValues{{"mlm", m.mlm(tokens)}, {"nsp", m.nsp(tokens)}, {"loss", loss.total}};
  });
  cases["text"] = task(TaskHead::text, 3);
  cases["number"] = task(TaskHead::text, 1);
  cases["choice"] = task(TaskHead::choice, 0);
  cases["span"] = task(TaskHead::span, 0);
  cases["tags"] = task(TaskHead::tags, 3);
  check_family("models_bert", cases);
}
