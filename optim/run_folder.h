// The folder of one training:
//
//   training.safetensors  all that it needs to go on (training_state.h)
//   last.safetensors      the weights as they were then, for nn::load
//   best.safetensors      those of the best evaluation so far
//   metrics.jsonl         a line for each step: {"step":1,"loss":2.5,...}
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include <gradus/core/io/json.h>

namespace gradus::optim {

class RunFolder {
 public:
  // Makes the folder where there is none. One training at a time writes to it, and a new one does not begin
  // where another has begun: both are refused.
  RunFolder(const std::filesystem::path& path, bool resume);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  std::string training() const { return (path_ / "training.safetensors").string(); }
  std::string last() const { return (path_ / "last.safetensors").string(); }
  std::string best() const { return (path_ / "best.safetensors").string(); }
  std::string metrics() const { return (path_ / "metrics.jsonl").string(); }

  // Opens metrics.jsonl. What it tells of steps after `step`, which a training that was killed had done but
  // not saved, is dropped: they come again.
  void open_metrics_after(std::int64_t step);
  void write(const Json& line);

 private:
  std::filesystem::path path_;
  int lock_;
  std::ofstream metrics_;
};

}  // namespace gradus::optim
