#include <gradus/data/cifar.h>

#include <gradus/core/check.h>
#include <gradus/core/io/file.h>

namespace gradus::data {

PictureSet parse_cifar10(std::string_view bytes, const std::string& name) {
  PictureSet set;
  set.channels = 3;
  set.height = set.width = 32;
  set.classes = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
  const std::size_t record = 1 + static_cast<std::size_t>(set.pixels_each());
  check(!bytes.empty() && bytes.size() % record == 0, "cifar10", name, " has ", bytes.size(),
        " bytes, no whole number of records of ", record, ". Was it cut short, or is it the archive?");
  for (; !bytes.empty(); bytes.remove_prefix(record)) {
    const int label = static_cast<unsigned char>(bytes[0]);
    check(label < std::ssize(set.classes), "cifar10", name, ": the label of picture ", set.size(), " is ",
          label, ", and there are ", set.classes.size(), " classes. Is it another format?");
    set.labels.push_back(label);
    const std::string_view pixels = bytes.substr(1, record - 1);
    set.pixels.insert(set.pixels.end(), pixels.begin(), pixels.end());
  }
  return set;
}

PictureSet read_cifar10(const std::vector<std::string>& paths) {
  check(!paths.empty(), "cifar10", "no file is named. data_batch_1.bin?");
  PictureSet all = parse_cifar10(MappedFile(paths[0]).bytes(), paths[0]);
  for (std::size_t i = 1; i < paths.size(); ++i) {
    const PictureSet more = parse_cifar10(MappedFile(paths[i]).bytes(), paths[i]);
    all.pixels.insert(all.pixels.end(), more.pixels.begin(), more.pixels.end());
    all.labels.insert(all.labels.end(), more.labels.begin(), more.labels.end());
  }
  return all;
}

}  // namespace gradus::data
