// How quickly GPT-2's smallest shape writes:   ./gradus bench generate [--threads 1,2] [--json FILE]
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/core/kernels/matmul.h>
#include <gradus/core/parallel.h>
#include <gradus/models/gpt.h>

#include "ceilings.h"
#include "report.h"

namespace gradus::bench {
namespace {

constexpr std::int64_t prompt = 16, written = 24;

// Seconds for a token in each of `rows` rows, the most likely ones, behind a prompt that is not timed.
double seconds_for_token(const models::Gpt& model, std::int64_t rows) {
  const auto writer = model.writer();
  Tensor ids = randint(0, model.options.vocabulary, {rows, prompt});
  ids = argmax(writer->next(ids), -1).reshape({rows, 1});
  const double start = now();
  for (std::int64_t i = 0; i < written; ++i) ids = argmax(writer->next(ids), -1).reshape({rows, 1});
  return (now() - start) / static_cast<double>(written);
}

double seconds_for(const Work& work) {
  const double start = now();
  work();
  return now() - start;
}

// A token reads every weight once but for the positions', whichever row it is in, and multiplies it by one
// number for each row. Neither can be quicker than the machine reads memory and multiplies.
JsonObject measure(const models::Gpt& model, std::int64_t rows, int threads) {
  std::fprintf(stderr, "[bench] writing %d texts, threads: %d\n", static_cast<int>(rows), threads);
  set_threads(threads);
  const models::GptConfig& config = model.options;
  const auto weights = static_cast<double>(config.parameter_count() - config.context * config.width);
  constexpr double read_bytes = 512e6;
  const Product square{1024, 1024, 1024};
  const Tensor a = randn({square.m, square.k}), b = randn({square.k, square.n});
  const Work read = read_memory(read_bytes, threads), multiply = [&] { kernels::matmul(a, b); };
  std::vector<double> ours, reading, multiplying;
  for (int round = -1; round < 7; ++round) {
    const double token = seconds_for_token(model, rows), memory = seconds_for(read),
                 product = seconds_for(multiply);
    if (round < 0) continue;  // for memory and caches
    ours.push_back(token);
    reading.push_back(memory * 4 * weights / read_bytes);
    multiplying.push_back(product * 2 * weights * static_cast<double>(rows) / square.flops());
  }
  const double ceiling = std::max(median(reading), median(multiplying));
  const double per_second = static_cast<double>(rows) / median(ours),
               most = static_cast<double>(rows) / ceiling;
  std::printf("%5d %3d %10s %10s %6.0f%%  %s\n", static_cast<int>(rows), threads,
              brief(per_second, 3).c_str(), brief(most, 3).c_str(), 100 * per_second / most,
              median(reading) > median(multiplying) ? "reading the weights" : "multiplying by them");
  std::fflush(stdout);
  return JsonObject()
      .add("name", "gpt2-124m")
      .add("rows", static_cast<double>(rows))
      .add("threads", threads)
      .add("tokens_per_second", per_second)
      .add("ceiling", most)
      .add("share", per_second / most);
}

void body(int count, char** words) {
  const Arguments arguments(count, words, "Measures how quickly GPT-2's smallest shape writes tokens.",
                            {{"--json", "FILE", "also write the table to FILE, as an array of objects"},
                             {"--threads", "LIST", "numbers of threads, such as 1,2"}});
  const JsonFile json(arguments.value("--json"));
  const std::vector<int> thread_counts = thread_counts_in(arguments.value("--threads"));
  const GradMode off(false);
  const models::Gpt model(models::gpt_config("gpt2"));
  std::vector<JsonObject> rows;
  std::printf("                 tokens    ceiling\n texts thr   a second   a second  share  limited by\n");
  for (const std::int64_t texts : {1, 32})
    for (const int threads : thread_counts) {
      rows.push_back(measure(model, texts, threads));
      json.write(rows);
    }
}

}  // namespace
}  // namespace gradus::bench

int main(int count, char** words) { return gradus::bench::run_program(gradus::bench::body, count, words); }
