#include <gradus/cli/picture_corpus.h>

#include <algorithm>
#include <numeric>

#include <gradus/cli/run.h>
#include <gradus/core/check.h>
#include <gradus/core/io/file.h>
#include <gradus/data/cifar.h>
#include <gradus/data/idx.h>
#include <gradus/data/json_file.h>

namespace gradus::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t most_validated = 1000, held_out_figures = 5000;
constexpr std::int64_t batches_per_epoch = 1000;  // of figures, which have no end
// Seeds of figures; the user's are not negative, and are those of the figures that are learned from.
constexpr auto validation_seed = static_cast<std::uint64_t>(-1),
               held_out_seed = static_cast<std::uint64_t>(-2);

const char* const wanted =
    ". A folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
    "t10k-labels-idx1-ubyte, plain or .gz, as of MNIST, or with data_batch_1.bin to data_batch_5.bin and "
    "test_batch.bin of CIFAR-10?";

// The path of a file that may be packed.
std::string found_in(const fs::path& folder, const char* name) {
  for (const char* const ending : {"", ".gz"})
    if (const fs::path path = folder / std::string(name).append(ending); is_there(path)) return path.string();
  fail("train", "--data ", folder.string(), " has no ", name, wanted);
}

data::PictureSet read_mnist(const fs::path& folder, const std::string& part) {
  const std::string pictures = found_in(folder, (part + "-images-idx3-ubyte").c_str());
  return data::read_idx(pictures, found_in(folder, (part + "-labels-idx1-ubyte").c_str()));
}

data::PictureSet read_cifar(const fs::path& folder, const std::vector<const char*>& names) {
  std::vector<std::string> paths;
  for (const char* const name : names) {
    paths.push_back((folder / name).string());
    check(is_there(paths.back()), "train", "--data ", folder.string(), " has no ", name, wanted);
  }
  return data::read_cifar10(paths);
}

PictureKind kind_of(const data::PictureSet& set) {
  return {.channels = set.channels, .height = set.height, .width = set.width, .classes = set.classes};
}

std::string size_of(std::int64_t channels, std::int64_t height, std::int64_t width) {
  std::string text = std::to_string(width);
  return text.append(" x ").append(std::to_string(height)).append(channels == 1 ? " in grey" : " in colour");
}

// The last `count` pictures, which are taken away.
data::PictureSet cut_off(data::PictureSet& set, std::int64_t count) {
  data::PictureSet last{.channels = set.channels,
                        .height = set.height,
                        .width = set.width,
                        .pixels = {},
                        .labels = {},
                        .classes = set.classes};
  last.labels.assign(set.labels.end() - count, set.labels.end());
  last.pixels.assign(set.pixels.end() - count * set.pixels_each(), set.pixels.end());
  set.labels.resize(set.labels.size() - last.labels.size());
  set.pixels.resize(set.pixels.size() - last.pixels.size());
  return last;
}

}  // namespace

void PictureCorpus::describe(Options& options) {
  options.group("Data");
  options.add({.name = "data",
               .value = &data_,
               .shown = "FOLDER",
               .says =
                   "pictures of yours, the files of MNIST, Fashion-MNIST or CIFAR-10, or the word figures: "
                   "ten shapes and ten letters, drawn without end"});
}

void PictureCorpus::read() {
  if (is_figures()) {
    validation_ = data::draw_pictures({.seed = validation_seed}, 0, most_validated);
    held_out_ = data::draw_pictures({.seed = held_out_seed}, 0, held_out_figures);
  } else {
    read_folder();
  }
  kind_ = kind_of(held_out_);
}

void PictureCorpus::read_folder() {
  const fs::path folder = data_;
  std::error_code unread;
  check(fs::is_directory(folder, unread), "train", "--data ", data_, " is no folder", wanted);
  const bool is_cifar = is_there(folder / "data_batch_1.bin");
  data::PictureSet training =
      is_cifar ? read_cifar(folder, {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                     "data_batch_4.bin", "data_batch_5.bin"})
               : read_mnist(folder, "train");
  held_out_ = is_cifar ? read_cifar(folder, {"test_batch.bin"}) : read_mnist(folder, "t10k");
  check(training.height == held_out_.height && training.width == held_out_.width, "train", "--data ", data_,
        " has pictures of ", size_of(training.channels, training.height, training.width),
        " to learn from and of ", size_of(held_out_.channels, held_out_.height, held_out_.width),
        " to be tested with. Do the files belong together?");
  check(training.size() >= 2, "train", "--data ", data_, " has ", training.size(),
        " picture to learn from, too few to hold a tenth of them out. More of them?");
  validation_ = cut_off(training, std::clamp<std::int64_t>(training.size() / 10, 1, most_validated));
  training_ = std::make_shared<const data::PictureSet>(std::move(training));
}

void PictureCorpus::open(const fs::path& run) {
  const std::string path = (run / "pictures.json").string();
  const Json json = data::read_json(path);
  kind_ = {.channels = json.at("channels").integer(),
           .height = json.at("height").integer(),
           .width = json.at("width").integer(),
           .classes = data::texts_of(json.at("classes"))};
  const auto is_side = [](std::int64_t size) { return size >= 1 && size <= 65535; };
  check((kind_.channels == 1 || kind_.channels == 3) && is_side(kind_.height) && is_side(kind_.width) &&
            !kind_.classes.empty(),
        "run", path, " describes no pictures. Was it changed?");
}

void PictureCorpus::save(const fs::path& run) const {
  data::write_json(run, "pictures.json",
                   Json::Object{{"channels", kind_.channels},
                                {"height", kind_.height},
                                {"width", kind_.width},
                                {"classes", data::array_of(kind_.classes)}});
  make_folder((run / "pictures").string());
  for (std::size_t label = 0; label < kind_.classes.size(); ++label) {
    const auto item = std::ranges::find(held_out_.labels, static_cast<std::int64_t>(label));
    if (item == held_out_.labels.end()) continue;
    const auto pixels =
        held_out_.pixels.begin() + (item - held_out_.labels.begin()) * held_out_.pixels_each();
    const data::Picture picture{.channels = kind_.channels,
                                .height = kind_.height,
                                .width = kind_.width,
                                .pixels = {pixels, pixels + held_out_.pixels_each()}};
    write_atomically((run / "pictures" / picture_name(kind_, kind_.classes[label])).string(),
                     [&](const Sink& sink) { sink(data::format_netpbm(picture)); });
  }
}

data::Source<PictureCorpus::Batch> PictureCorpus::batches(const TrainSettings& settings) const {
  const std::int64_t size = settings.batch_size;
  const auto seed = static_cast<std::uint64_t>(settings.seed);
  if (is_figures())
    return {data::Bookmark(batches_per_epoch, {{"batch_size", size}, {"seed", settings.seed}}),
            [size, seed](const data::Place& place) {
              const std::int64_t first = (place.epoch * batches_per_epoch + place.batch) * size;
              return data::draw_pictures({.seed = seed}, first, size).batch();
            }};
  return {
      data::Order(training_->size(), size, seed),
      [set = training_](const std::vector<std::int64_t>& items, std::int64_t) { return set->batch(items); },
      {{"pixels", training_->pixels_each()}}};
}

std::string picture_name(const PictureKind& kind, const std::string& class_name) {
  std::string name = class_name;
  std::ranges::replace(name, ' ', '-');
  return name.append(kind.channels == 1 ? ".pgm" : ".ppm");
}

void check_fits(const std::string& verb, const std::string& name, const data::Picture& picture,
                const PictureKind& kind) {
  const auto& [channels, height, width, pixels] = picture;
  check(channels == kind.channels && height == kind.height && width == kind.width, verb.c_str(), name, " is ",
        size_of(channels, height, width), ", and the model takes pictures of ",
        size_of(kind.channels, kind.height, kind.width), ". magick ", name, " -resize '", kind.width, "x",
        kind.height, "!' ", kind.channels == 1 ? "-colorspace gray scaled.pgm?" : "scaled.ppm?");
}

}  // namespace gradus::cli
