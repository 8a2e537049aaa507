// Nets that read in both directions, one upon another, and ELMo: vectors of words in their sentence. The page
// beside this file explains it part by part. ./gradus tutorial 10 [--figures DIR]
#include <gradus/gradus.h>

#include <array>
#include <cstdio>
#include <functional>
#include <utility>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

using namespace gradus;

void train(const nn::Module& net, const Tensor& more, int steps, double rate,
           const std::function<Tensor()>& loss) {
  std::vector<NamedTensor> parameters = net.parameters();
  if (more.defined()) parameters.push_back({"more", more});
  optim::Adam optimiser(parameters, {});
  for (int step = 0; step < steps; ++step) {
    optimiser.set_lr(rate * (1 - static_cast<double>(step) / steps));
    optimiser.zero_grad();
    loss().backward();
    optim::clip_grad_norm(parameters, 1);
    optimiser.step();
    for (const NamedTensor& parameter : parameters)
      no_grad([&] { Tensor(parameter.value).add_(0x1p36).add_(-0x1p36); });
  }
}

// 1. Layers of two nets each, and a linear layer on top. Apart, the two directions never read each other.
enum Direction { forward_only, summed, concatenated, apart };
struct Net : nn::ModuleOf<Net> {
  Net(Direction direction, std::int64_t in, std::int64_t hidden, int layers, std::int64_t out)
      : direction(direction), head({.in = direction == concatenated ? 2 * hidden : hidden, .out = out}) {
    for (int layer = 0; layer < layers; ++layer)
      for (nn::ModuleList<nn::GRU>* const way : {&forward, &backward})
        way->push_back(nn::GRU({.in = layer == 0 ? in : head.options.in, .hidden = hidden}));
    to(f64);
  }

  std::vector<Tensor> states(const Tensor& x) const {  // (B, T, in); of each layer
    Tensor there = x, back = x;
    std::vector<Tensor> h;
    for (std::size_t layer = 0; layer < forward.size(); ++layer) {
      there = forward[layer](there).output;
      back = flip(backward[layer](flip(back, 1)).output, 1);
      const Tensor both = direction == summed ? there + back : concat({there, back}, 2);
      h.push_back(direction == forward_only ? there : both);
      if (direction != apart) there = back = h.back();
    }
    return h;
  }

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("forward", self.forward);
    visit.module("backward", self.backward);
    visit.module("head", self.head);
  }

  Direction direction;
  nn::ModuleList<nn::GRU> forward, backward;
  nn::Linear head;
};

// Rows of 12 bits. About each of the inner ten: what is the next bit? Or, do the two beside it differ?
double percent_right(bool about_both, Direction direction, int layers) {
  const Net net(direction, 1, 8, layers, 2);
  const auto ask = [&](std::int64_t rows) {  // the net's logits, and the right answers
    const Tensor bits = randint(0, 2, {rows, 12}), next = bits.slice(1, 2, 12);
    const Tensor logits = net.head(net.states(2.0 * bits.unsqueeze(2).to(f64) - 1.0).back());
    return std::pair(logits.slice(1, 1, 11), about_both ? (bits.slice(1, 0, 10) != next).to(i64) : next);
  };
  train(net, {}, 200, 0.03, [&] {
    const auto [logits, right] = ask(32);
    return cross_entropy(logits, right);
  });
  const auto [logits, right] = ask(500);
  return 100 * mean((argmax(logits, -1) == right).to(f64)).item();
}

void print_percent(const std::function<double(int)>& measure) {
  std::printf("    "), chapter::print(chapter::over_seeds(measure), 0, 3);
}

// 2. The first 24 words of stories with a bank, without the commonest. Of each bank: its place among all
// these words, whether it has money (1) or lies at a river (0), and whether it stands in the first sentence.
const data::Stories world;
const std::int64_t length = 24, width = 32, first_other = 600 * length,
                   vocabulary = world.vocabulary().size();
struct Text {
  data::Ids words, places, money, opening;
  std::vector<Tensor> h = {};  // what a net makes of each bank, (N, 2 width): h_0, h_1, h_2
  Tensor rows() const { return from_vector(words).reshape({-1, length}); }
};

Text read_stories(std::uint64_t seed, std::int64_t count) {
  std::vector<double> part(vocabulary);
  for (const std::int64_t word : world.tokens(0, 100'000)) part[word] += 1e-5;
  Text text;
  for (std::int64_t i = 0; std::ssize(text.words) < count * length; ++i) {
    const data::Story story = world.story(seed, i);
    Text more;
    for (const std::vector<data::StoryToken>& sentence : story.sentences)
      for (const data::StoryToken& token : sentence) {
        if (part[token.id] > 0.005 || std::ssize(more.words) == length) continue;
        if (world.vocabulary().token(token.id) == "bank") {
          more.places.push_back(std::ssize(text.words) + std::ssize(more.words));
          more.money.push_back(token.sense == "money");
          more.opening.push_back(&sentence == story.sentences.data());
        }
        more.words.push_back(token.id);
      }
    if (more.places.empty() || std::ssize(more.words) < length) continue;
    for (data::Ids Text::*list : {&Text::words, &Text::places, &Text::money, &Text::opening})
      (text.*list).insert((text.*list).end(), (more.*list).begin(), (more.*list).end());
  }
  return text;
}

Text train_elmo(int seed) {  // two language models, and banks in stories that they were not trained on
  manual_seed(seed);
  const Tensor words = randn({vocabulary, width}, f64).requires_grad_();
  const Net net(apart, width, width, 2, vocabulary);
  const Tensor rows = read_stories(seed, 3000).rows();
  train(net, words, 1000, 0.03, [&] {
    const Tensor ids = index_select(rows, 0, randint(0, 3000, {8})), h = net.states(embedding(words, ids))[1];
    const Tensor there = h.slice(1, 0, -1).slice(2, 0, width), next = ids.slice(1, 1, length);
    const Tensor back = h.slice(1, 1, length).slice(2, width, 2 * width), last = ids.slice(1, 0, -1);
    return cross_entropy(net.head(there), next) + cross_entropy(net.head(back), last);
  });
  Text text = read_stories(100 + seed, 900);
  const Tensor x = embedding(words, text.rows());
  for (const Tensor& h : {concat({x, x}, 2), net.states(x)[0], net.states(x)[1]})
    text.h.push_back(index_select(h.flatten(0, 1), 0, from_vector(text.places)).detach());
  return text;
}

// A linear layer on a mix of layers, or on one or a part of it, learns to tell banks of 600 stories apart.
struct Probe {
  std::array<double, 3> right;  // about the others, in percent: all, in the first sentence, later
  Tensor says, mix;             // of the others, money where it is above 0; the weights of the mix
};

Probe probe(const Text& text, std::int64_t layer, std::int64_t end, std::int64_t from, std::int64_t to) {
  const Tensor h = stack({text.h.begin() + layer, text.h.begin() + end}, 2).slice(1, from, to);
  nn::Linear linear({.in = to - from, .out = 1});
  linear.to(f64);
  const Tensor s = zeros({end - layer}, f64).requires_grad_();
  const auto says = [&] { return linear(sum(h * softmax(s, 0), 2)).squeeze(1); };
  const Tensor money = from_vector(text.money).to(f64), opening = from_vector(text.opening).to(f64);
  const Tensor other = (from_vector(text.places) >= first_other).to(f64), seen = 1.0 - other;
  train(linear, s, 200, 0.1, [&] {
    return sum(seen * binary_cross_entropy_with_logits(says(), money, {.reduction = Reduction::none}));
  });
  const Tensor right = ((says() > 0.0) == (money > 0.0)).to(f64);
  const auto percent = [&](const Tensor& of) { return 100 * (sum(right * of) / sum(of)).item(); };
  return {
      {percent(other), percent(other * opening), percent(other - other * opening)}, says(), softmax(s, 0)};
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the nets are too small to share out
  const char* const names[] = {"forward only", "summed", "concatenated"};
  std::printf("                     the next bit        do both sides differ?");
  for (int i = 0; i < 6; ++i) {
    std::printf("\n%d x %-12s", 1 + i / 3, names[i % 3]);
    for (const bool about_both : {false, true})
      print_percent([&](int) { return percent_right(about_both, Direction(i % 3), 1 + i / 3); });
  }
  std::vector<Text> texts;
  for (int seed = 1; seed <= chapter::seeds; ++seed) texts.push_back(train_elmo(seed));
  std::printf("\n\nright about a bank       in all         in the first sentence    later");
  const auto report = [&](const char* name, auto... part) {
    std::printf("\n%-17s", name);
    std::vector<Probe> probes;
    for (const Text& text : texts) probes.push_back(probe(text, part...));
    for (int i = 0; i < 3; ++i) print_percent([&](int seed) { return probes[seed - 1].right[i]; });
    return probes;
  };
  report("static", 0, 1, 0, 2 * width);
  report("layer 1", 1, 2, 0, 2 * width);
  report("layer 2", 2, 3, 0, 2 * width);
  const Probe there = report("layer 2, forward", 2, 3, 0, width)[0];
  const Probe back = report("layer 2, backward", 2, 3, width, 2 * width)[0];
  const std::vector<Probe> mixed = report("mix of all", 0, 3, 0, 2 * width);
  std::printf("\nweights of the mix");
  for (int i = 0; i < 3; ++i) print_percent([&](int seed) { return 100 * mixed[seed - 1].mix[i].item(); });
  std::puts("");
  const std::vector<figure::Series> senses{{"river", {}, {}}, {"money", {}, {}}};
  std::vector<figure::Panel> panels(2, {.x = {"forward", -8, 8}, .y = {"backward", -8, 8}, .points = senses});
  for (std::size_t i = texts[0].places.size(); texts[0].places[--i] >= first_other;) {
    figure::Series& bank = panels[1 - texts[0].opening[i]].points[texts[0].money[i]];
    bank.x.push_back(there.says[i].item()), bank.y.push_back(back.says[i].item());
  }
  const auto folder = chapter::figures_folder(argc, argv);
  if (!folder.empty()) figure::write(folder + "/10_banks.svg", panels, {.columns = 2, .width = 360});
}
