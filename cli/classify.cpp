// classify: what is on a picture, or what a text is.
#include <algorithm>
#include <iostream>
#include <numeric>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/cli/picture_corpus.h>
#include <gradus/cli/print.h>
#include <gradus/cli/run.h>
#include <gradus/cli/tasks.h>
#include <gradus/cli/verbs.h>
#include <gradus/core/check.h>
#include <gradus/core/parallel.h>

namespace gradus::cli {
namespace {

struct ClassifySettings {
  std::string model;
  std::int64_t count = 3, threads = 0;
  bool json = false;
};

void describe(Options& options, ClassifySettings& s) {
  options.group("Options");
  options.add(model_option(s.model));
  options.add({.name = "count",
               .value = &s.count,
               .shown = "N",
               .says = "classes that are named of each picture, the likeliest first",
               .least = 1});
  options.add(threads_option(s.threads));
  options.add({.name = "json", .value = &s.json, .says = "print an object for each"});
}

// What is classified, and how likely each class is.
void print(const std::string& asked, const std::vector<std::string>& classes, const Tensor& logits,
           const ClassifySettings& settings) {
  const std::vector<float> likely = softmax(logits, -1).to_vector<float>();
  std::vector<std::size_t> order(classes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return likely[a] > likely[b]; });
  order.resize(std::min(order.size(), static_cast<std::size_t>(settings.count)));
  if (settings.json) {
    Json::Array found;
    for (const std::size_t label : order)
      found.emplace_back(Json::Object{{"class", classes[label]}, {"probability", double{likely[label]}}});
    print_json(Json::Object{{"input", valid_utf8(asked)}, {"classes", std::move(found)}});
    return;
  }
  std::string line = asked + ":";
  for (const std::size_t label : order)
    line.append(label == order[0] ? " " : ", ")
        .append(classes[label])
        .append(printed(" %.1f %%", 100 * double{likely[label]}));
  std::cout << line << std::endl;
}

void classify_pictures(ClassifiesPictures& model, const std::vector<std::string>& files,
                       const ClassifySettings& settings) {
  const PictureKind& kind = model.pictures();
  data::PictureSet set{.channels = kind.channels,
                       .height = kind.height,
                       .width = kind.width,
                       .pixels = {},
                       .labels = {0},
                       .classes = kind.classes};
  for (const std::string& file : files) {
    data::Picture picture = data::read_netpbm(file);
    check_fits("classify", file, picture, kind);
    set.pixels = std::move(picture.pixels);
    print(file, kind.classes, no_grad([&] { return model.logits(set.batch().x)[0]; }), settings);
  }
}

}  // namespace

int classify(const std::vector<std::string>& arguments) {
  ClassifySettings settings;
  Options options("classify");
  describe(options, settings);
  const std::vector<std::string> words = options.read(arguments);
  check(!words.empty(), "classify", "of what? gradus classify --model DIR PICTURE, or a text");
  if (settings.threads > 0) set_threads(static_cast<int>(settings.threads));
  const OpenRun run = open_run("classify", settings.model);
  if (auto* const seeing = find_ability<ClassifiesPictures>(run))
    classify_pictures(*seeing, words, settings);
  else
    ask_task("classify", ability<KnowsTask, ClassifiesPictures>("classify", run, "classify"), words,
             settings.json);
  return 0;
}

std::string classify_page(const std::vector<std::string>&) {
  ClassifySettings settings;
  Options options("classify");
  describe(options, settings);
  return "usage: gradus classify --model DIR [OPTIONS] PICTURE...\n"
         "       gradus classify --model DIR [OPTIONS] TEXT [TEXT...]\n\n"
         "Of a text, or of two, how likely each label is; of a text and choices, each\n"
         "choice; of a task with a score, the score.\n\n"
         "What is on pictures: files in PGM (grey) or PPM (colour), of the size of those\n"
         "that the model was trained on. A run's folder has one of each class, in\n"
         "pictures/. Other formats are converted by, for one, ImageMagick:\n"
         "magick boat.png -resize '28x28!' -colorspace gray boat.pgm\n\n" +
         options.help() + R"(
examples:
  ./gradus classify --model runs/vit-1 runs/vit-1/pictures/*
  ./gradus classify --model runs/resnet-1 --count 1 boat.pgm
  ./gradus classify --model runs/finetuned-bert-1 "nobody liked the cold pie ."
)";
}

}  // namespace gradus::cli
