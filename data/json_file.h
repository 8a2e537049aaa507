// Small JSON files of tokenizers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <gradus/core/io/file.h>
#include <gradus/core/io/json.h>
#include <gradus/data/lines.h>

namespace gradus::data {

inline Json read_json(const std::filesystem::path& path) {
  const std::string text = read_file(path.string());
  return parse_json(without_byte_order_mark(text), path.string());
}

// Makes the folder where it is not there.
inline void write_json(const std::filesystem::path& folder, const char* name, const Json& json) {
  make_folder(folder.string());
  write_atomically((folder / name).string(), [&](const Sink& sink) { sink(format_json(json)), sink("\n"); });
}

inline std::vector<std::string> texts_of(const Json& array) {
  std::vector<std::string> texts;
  for (const Json& text : array.array()) texts.push_back(text.text());
  return texts;
}

inline Json::Array array_of(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

}  // namespace gradus::data
