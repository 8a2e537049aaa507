#include <gradus/optim/run_folder.h>

#include <cerrno>
#include <fstream>
#include <utility>

#include <gradus/core/io/file.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::optim;
using namespace gradus::test;

TEST_CASE("a folder takes one training at a time", "[optim]") {
  const TemporaryFolder folder;
  const RunFolder first(folder / "run", false);
  CHECK(message_of([&] { RunFolder again(folder / "run", false); }) ==
        "[fit] another training is writing in " + (folder / "run") +
            ". Wait for it, or choose another folder?");
}

TEST_CASE("a folder that cannot be locked is not taken for one that another training writes in",
          "[optim][error]") {
  class NoLocks final : public gradus::detail::FileCalls {
   public:
    int claim(int, const char*) override { return errno = EIO, -1; }
  } calls;
  gradus::detail::FileCalls* const before = std::exchange(gradus::detail::file_calls, &calls);
  const TemporaryFolder folder;
  const std::string message = message_of([&] { RunFolder(folder / "run", false); });
  gradus::detail::file_calls = before;
  CHECK(message == "[fit] cannot lock " + (folder / "run") + ": Input/output error. Choose another folder?");
}

TEST_CASE("a training does not begin where another has begun, nor goes on where none has", "[optim][error]") {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  CHECK(message_of([&] { RunFolder(run, true); }) ==
        "[fit] " + run + " holds no training to go on with. Begin one without resume?");
  std::ofstream(run + "/training.safetensors") << "x";
  CHECK(message_of([&] { RunFolder(run, false); }) ==
        "[fit] " + run + " holds a training already. Go on with it (resume), or choose another folder?");
  CHECK_NOTHROW(RunFolder(run, true));
}

TEST_CASE("what is left of a training without its state is not written over", "[optim][error]") {
  for (const char* const left : {"last.safetensors", "best.safetensors", "metrics.jsonl"})
    for (const bool resume : {false, true}) {
      const TemporaryFolder folder;
      std::ofstream(folder / left) << "x";
      CHECK(message_of([&] { RunFolder(folder / "", resume); }) ==
            "[fit] " + (folder / left) + " is left of a training without its " +
                (folder / "training.safetensors") +
                ", which it would need to go on. Move it, or choose another folder?");
    }
}

TEST_CASE("a folder that cannot be made is refused by name", "[optim][error]") {
  const TemporaryFolder folder;
  std::ofstream(folder / "taken") << "x";
  CHECK(message_of([&] {
          RunFolder((folder / "taken") + "/run", false);
        }).starts_with("[save] cannot make the folder "));
}

TEST_CASE("metrics of steps that were not saved are dropped, with what a kill left of a line", "[optim]") {
  const TemporaryFolder folder;
  {
    RunFolder run(folder / "run", false);
    run.open_metrics_after(0);
    for (int step = 1; step <= 4; ++step) run.write(Json::Object{{"step", step}, {"loss", 0.5}});
  }
  const std::string metrics = folder / "run/metrics.jsonl", four = read_file(metrics);
  std::ofstream(metrics, std::ios::app) << "{\"step\":5,\"lo";
  std::ofstream(folder / "run/training.safetensors") << "x";
  {
    RunFolder run(folder / "run", true);
    run.open_metrics_after(4);
    CHECK(read_file(metrics) == four);
  }
  RunFolder run(folder / "run", true);
  run.open_metrics_after(2);
  run.write(Json::Object{{"step", 3}, {"loss", 0.25}});
  CHECK(read_file(metrics) ==
        "{\"step\":1,\"loss\":0.5}\n{\"step\":2,\"loss\":0.5}\n{\"step\":3,\"loss\":0.25}\n");
}

TEST_CASE("a full disk is told at the line that did not fit", "[optim][error]") {
  const TemporaryFolder folder;
  RunFolder run(folder / "run", false);
  std::filesystem::create_symlink("/dev/full", run.metrics());
  run.open_metrics_after(0);
  CHECK(message_of([&] {
          run.write(Json::Object{{"step", 1}});
        }) == "[fit] cannot write " + run.metrics() + ": No space left on device. Is the disk full?");
}
