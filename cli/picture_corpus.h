// What a classifier of pictures is trained on: figures that are drawn, or files of the user's.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gradus/cli/family.h>
#include <gradus/data/metrics.h>
#include <gradus/data/netpbm.h>
#include <gradus/data/pictures.h>
#include <gradus/data/source.h>

namespace gradus::cli {

class PictureCorpus {
 public:
  using Batch = data::PictureSet::Batch;

  void describe(Options& options);
  void read();
  // The kind alone, of a run.
  void open(const std::filesystem::path& run);
  // What pictures there are and, for who has none, one of each class that no training sees.
  void save(const std::filesystem::path& run) const;

  const PictureKind& kind() const { return kind_; }
  const std::string& data() const { return data_; }
  // Figures never come twice; pictures of files do, once an epoch.
  data::Source<Batch> batches(const TrainSettings& settings) const;
  // What no training sees. By `validation` the best weights are chosen: other figures, or a tenth of what a
  // folder has to learn from. `held_out` is looked at in the end: other figures again, or a folder's test
  // set.
  const data::PictureSet& validation() const { return validation_; }
  const data::PictureSet& held_out() const { return held_out_; }

 private:
  bool is_figures() const { return data_ == "figures"; }
  void read_folder();

  std::string data_ = "figures";
  PictureKind kind_;
  std::shared_ptr<const data::PictureSet> training_;  // of a folder
  data::PictureSet validation_, held_out_;
};

// The name that the file of `save` has for a class.
std::string picture_name(const PictureKind& kind, const std::string& class_name);

// Tells what to change where a picture is of another size, or has other colours, than those of the kind.
void check_fits(const std::string& verb, const std::string& name, const data::Picture& picture,
                const PictureKind& kind);

// Gives (B, classes) logits for (B, C, H, W) pictures.
using PictureLogits = std::function<Tensor(const Tensor& pictures)>;

// How good a classifier is on some pictures.
struct PictureReport {
  double loss = 0;                                // mean
  std::vector<std::vector<std::int64_t>> counts;  // of pictures, by their class and what they are taken for

  data::Share right() const;
  data::Share right(std::size_t label) const;
  // The class and what it is most often taken for wrongly, by its share of the class.
  struct Mistake {
    std::size_t label = 0, taken_for = 0;
    data::Share share = {};
  };
  Mistake worst() const;
};
PictureReport picture_report(const PictureLogits& logits_of, const data::PictureSet& pictures);

void add_picture_results(Results& results, const PictureReport& report,
                         const std::vector<std::string>& classes);

}  // namespace gradus::cli
