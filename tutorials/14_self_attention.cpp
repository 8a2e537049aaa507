// The words of a sentence look at each other: by vectors and by matrices, with many heads, and with masks
// that keep them from looking. The page beside this file explains it. ./gradus tutorial 14 [--figures DIR]
#include <gradus/gradus.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

using namespace gradus;

// 1. What becomes of word i, by vectors. x: (T, d), a word in each row.
Tensor by_vectors(const nn::MultiHeadAttention& m, const Tensor& x, std::int64_t i) {
  const std::int64_t T = x.size(0), heads = m.options.heads, d_k = m.options.width / heads;
  const std::vector<Tensor> W = split(m.in_proj_weight, d_k, 0);     // (d_k, d) each
  const std::vector<Tensor> W_o = split(m.out_proj.weight, d_k, 1);  // (d, d_k) each
  Tensor y = zeros({m.options.width}, f64);
  for (std::int64_t h = 0; h < heads; ++h) {
    const Tensor &W_q = W[h], &W_k = W[heads + h], &W_v = W[2 * heads + h], q = matmul(W_q, x[i]);  // (d_k,)
    std::vector<Tensor> scores;
    for (std::int64_t j = 0; j < T; ++j) scores.push_back(sum(q * matmul(W_k, x[j])) / std::sqrt(d_k));
    const Tensor w = softmax(stack(scores, 0), 0);
    for (std::int64_t j = 0; j < T; ++j) y = y + matmul(W_o[h], w[j] * matmul(W_v, x[j]));
  }
  return y;
}

enum Mask { none, causal, one_late, zero_scores, zero_weights, itself_too };
const char* const masks[] = {"none", "causal", "one late", "scores 0", "weights 0", "itself too"};

// Scores s to weights, (B, H, Tq, Tk) both.
Tensor weights_of(const Tensor& s, Mask mask) {
  const auto later = [&](int by) { return triu(ones_like(s), by) > 0.0; };
  if (mask == causal) return softmax(masked_fill(s, later(1), -INFINITY), -1);
  if (mask == one_late) return softmax(masked_fill(s, later(2), -INFINITY), -1);
  if (mask == zero_scores) return softmax(masked_fill(s, later(1), 0), -1);
  if (mask == zero_weights) return masked_fill(softmax(s, -1), later(1), 0);
  if (mask == itself_too) return softmax(masked_fill(s, later(0), -INFINITY), -1);
  return softmax(s, -1);
}

// All words at once, by matrices. x: (B, Tq, d) look, memory: (B, Tk, d) is looked at.
Tensor by_matrices(const nn::MultiHeadAttention& m, const Tensor& x, const Tensor& memory, Mask mask = none) {
  const std::int64_t d = m.options.width, heads = m.options.heads, d_k = d / heads;
  const std::vector<Tensor> W = split(m.in_proj_weight, d, 0);  // (d, d) each
  const auto cut = [&](const Tensor& z) { return z.reshape({z.size(0), -1, heads, d_k}).transpose(1, 2); };
  const Tensor q = cut(linear(x, W[0])), k = cut(linear(memory, W[1])), v = cut(linear(memory, W[2]));
  const Tensor w = weights_of(matmul(q, k.t()) / std::sqrt(d_k), mask);  // (B, H, Tq, Tk)
  return linear(matmul(w, v).transpose(1, 2).reshape(x.shape()), m.out_proj.weight);
}

nn::MultiHeadAttention layer(std::int64_t width, std::int64_t heads) {
  nn::MultiHeadAttention m({.width = width, .heads = heads, .bias = false});
  m.to(f64);
  return m;
}

void print_both_ways() {
  const nn::MultiHeadAttention m = layer(512, 8);
  const Tensor x = randn({1, 10, 512}, f64), y = by_matrices(m, x, x);
  bool same = allclose(m(x), y);
  for (int i = 0; i < 10; ++i) same = same && allclose(by_vectors(m, x[0], i), y[0][i]);
  std::printf("vectors, matrices and library agree: %s\n", same ? "yes" : "no");
}

// 2. What becomes of the scores of 32 random words.
void print_scores() {
  const auto print = [](const char* form, Tensor q, Tensor k, int heads, double inside, double outside) {
    for (Tensor* z : {&q, &k}) *z = z->reshape({32, heads, -1}).transpose(0, 1);
    const Tensor s = matmul(q, k.t()) / inside, w = softmax(s, -1) / outside;  // (H, 32, 32)
    const double itself = mean((argmax(w, -1) == arange(32, i64)).to(f64)).item();
    std::printf("%-21s   %5d   %3d   %8.2f   %7.2f   %5.3f   %4.0f %%\n", form, heads, 512 / heads,
                var(s).item(), mean(max(w, -1)).item(), mean(sum(w, -1)).item(), 100 * itself);
  };
  const std::vector<Tensor> W = split(randn({1024, 512}, f64) / std::sqrt(512), 512, 0);
  const Tensor x = randn({32, 512}, f64), q = linear(x, W[0]), k = linear(x, W[1]);
  std::printf("\nweights                 heads   d_k   variance   largest     sum   itself\n");
  print("softmax(s / 8)", q, k, 8, 8, 1);
  print("softmax(s / 22.6)", q, k, 8, std::sqrt(512), 1);
  print("softmax(s / 22.6)", q, k, 1, std::sqrt(512), 1);
  print("softmax(s) / 8", q, k, 8, 1, 8);
  print("softmax(s / 8), k = q", q, q, 8, 8, 1);
}

void print_bends() {
  const nn::MultiHeadAttention m = layer(512, 8);
  std::printf("\nwords   f(2x) is off 2f(x) by\n");
  for (const int T : {1, 2, 8, 32}) {
    const Tensor x = randn({1, T, 512}, f64), y = 2.0 * m(x);
    std::printf("%5d   %19.0f %%\n", T, 100 * sqrt(sum(square(m(2.0 * x) - y)) / sum(square(y))).item());
  }
  std::printf("\nbits   head 1   head 2   difference\n");
  for (const Tensor& b : {tensor({0, 0}, f64), tensor({0, 1}, f64), tensor({1, 1}, f64)}) {
    const double one = sum(softmax(0.0 * b, 0) * b).item(), two = sum(softmax(std::log(3) * b, 0) * b).item();
    std::printf("%.0f %.0f    %6.2f   %6.2f   %10.2f\n", b[0].item(), b[1].item(), one, two, two - one);
  }
}

// 3. 1 where an output depends on an input, else 0. x: (1, Tk, d), f to (1, Tq, d), result: (Tq, Tk)
Tensor reach(std::int64_t outputs, const Tensor& x, const auto& f) {
  const Tensor copies = x.expand({outputs, x.size(1), x.size(2)}).clone().requires_grad_();
  const Tensor dy = eye(outputs, f64).unsqueeze(2) * randn({x.size(2)}, f64);  // copy i asks of output i
  return any(grad({f(copies)}, {copies}, {dy})[0] != 0.0, -1).to(f64);
}

void train(const nn::MultiHeadAttention& m, const auto& loss) {
  optim::Adam optimiser(m, {.lr = 0.01});
  for (int step = 0; step < 400; ++step) {
    optimiser.zero_grad();
    loss(32).backward();
    optimiser.step();
    for (const NamedTensor& p : m.parameters()) no_grad([&] { Tensor(p.value).add_(0x1p36).add_(-0x1p36); });
  }
}

// Eight letters of four. The loss where each place is asked for the letter `ahead` of it: 1, or 0.
double letters(Mask mask, int ahead) {
  const nn::MultiHeadAttention m = layer(32, 4);
  const auto loss = [&](std::int64_t batch) {
    const Tensor ids = randint(0, 4, {batch, 8}), place = eye(8, f64).expand({batch, 8, 8});
    const Tensor x = concat({place, one_hot(ids, 24, f64)}, 2);  // of 24, 20 are there to fill up 32
    const Tensor logits = by_matrices(m, x, x, mask).slice(1, 0, 7).slice(2, 0, 4);
    return cross_entropy(logits, ids.slice(1, ahead, 7 + ahead));
  };
  train(m, loss);
  return no_grad([&] { return loss(1000).item(); });
}

// A row for each word that looks, a column for each that it may look at.
figure::Panel heat_map(const char* title, const Tensor& r) {
  const figure::Axis places{.label = "", .names = {"1", "2", "3", "4", "5", "6", "7", "8"}};
  return {.title = title, .x = places, .y = places, .cells = {r.to_vector<double>(), 8, 8}};
}

void print_leaks(std::vector<figure::Panel>& maps) {
  const nn::MultiHeadAttention m = layer(32, 4);
  const Tensor x = randn({1, 8, 32}, f64);
  std::printf("\nmask         later   itself   earlier   next letter           this letter\n");
  for (const Mask mask : {none, causal, one_late, zero_scores, zero_weights, itself_too}) {
    const Tensor r = reach(8, x, [&](const Tensor& x) { return by_matrices(m, x, x, mask); });
    const double all = sum(r).item(), later = sum(triu(r, 1)).item(), earlier = sum(tril(r, -1)).item();
    std::printf("%-10s   %5.0f   %6.0f   %7.0f   ", masks[mask], later, all - later - earlier, earlier);
    chapter::print(chapter::over_seeds([&](int) { return letters(mask, 1); }), 2), std::printf("   ");
    chapter::print(chapter::over_seeds([&](int) { return letters(mask, 0); }), 2), std::printf("\n");
    maps.push_back(heat_map(masks[mask], 0.6 * r));
  }
}

// Three words s look at eight h, of which three only fill up.
void print_cross() {
  const nn::MultiHeadAttention m = layer(32, 4);
  const Tensor s = randn({1, 3, 32}, f64).expand({3, 3, 32}), h = randn({1, 8, 32}, f64).expand({3, 8, 32});
  const Tensor real = (arange(8) < 5.0).expand({3, 8}), five = h.slice(1, 0, 5), y = by_matrices(m, s, five);
  const auto off = [&](const Tensor& z) { return max(abs(z - y)).item(); };
  std::printf("\nall eight: off by %.2f, masked: by %.2f\n", off(m(s, h)), off(m(s, h, {.real = real})));
  const Tensor by_h = reach(3, h, [&](const Tensor& h) { return m(s, h, {.real = real}); });
  const Tensor by_s = reach(3, s, [&](const Tensor& s) { return m(s, five); });
  std::printf("y depends on h: %.0f of 24, on s: %.0f of 9\n\n", sum(by_h).item(), sum(by_s).item());
}

// 4. Eight people. Each knows a friend, a boss, itself and a digit, and is asked for the digits of the two.
std::array<Tensor, 3> people(std::int64_t batch) {
  const Tensor order = argsort(masked_fill(rand({batch, 8, 8}), eye(8) > 0.0, 2), 2);  // oneself at the end
  const Tensor who = index_select(order, 2, tensor({0, 1, 7}, i64)), digits = randint(0, 10, {batch, 8});
  const Tensor theirs = gather(digits.unsqueeze(1).expand({batch, 8, 8}), 2, who.slice(2, 0, 2));
  return {concat({one_hot(who, 8, f64).flatten(2), one_hot(digits, 40, f64)}, 2), who, theirs};
}

double ask(int heads, int seed, std::vector<figure::Panel>& maps) {
  const nn::MultiHeadAttention m = layer(64, heads);
  const auto answer = [&](const Tensor& x) { return m(x).slice(2, 0, 20).reshape({-1, 8, 2, 10}); };
  train(m, [&](std::int64_t batch) {
    const auto [x, who, digits] = people(batch);
    return cross_entropy(answer(x), digits);
  });
  const auto [x, who, digits] = people(1000);
  const Tensor w = m.with_weights(x).weights;
  for (int h = 0; h < heads && heads <= 2; ++h) {
    const auto s = (100.0 * mean(gather(w.select(1, h), 2, who), {0, 1})).to_vector<double>();
    std::printf("seed %d, head %d: %2.0f friend, %2.0f boss, %2.0f itself\n", seed, h + 1, s[0], s[1], s[2]);
    if (heads == 2 && seed == 1) maps.push_back(heat_map(h == 0 ? "head 1" : "head 2", w[0][h]));
  }
  return 100 * mean((argmax(answer(x), 3) == digits).to(f64)).item();
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the tensors are too small to share out
  std::vector<figure::Panel> maps;
  print_both_ways(), print_scores(), print_bends(), print_leaks(maps), print_cross();
  for (const int count : {1, 2, 4, 8}) {
    const auto right = chapter::over_seeds([&](int seed) { return ask(count, seed, maps); });
    std::printf("heads: %d, right: ", count), chapter::print(right, 1), std::printf(" %%\n");
  }
  if (const std::string folder = chapter::figures_folder(argc, argv); !folder.empty())
    figure::write(folder + "/14_masks.svg", maps, {.columns = 4, .width = 160, .height = 160});
}
