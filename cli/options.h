// What a verb may be told: on the command line, in a file of JSON, or not at all. Each option is said once,
//
//   options.group("Model");
//   options.add({.name = "hidden", .value = &hidden, .shown = "N", .says = "units of a layer", .least = 1});
//
// and from that come the reading of --hidden 128, its checks, its place in config.json and its line of help.
// The variable holds the default until then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gradus/core/check.h>
#include <gradus/core/io/json.h>

namespace gradus::cli {

// What becomes of an option's value after the run that it was given to.
enum class Kept {
  fixed,  // stands in config.json, and a resumed run must agree
  free,   // stands in config.json, and a resumed run may have another
  no
};

struct Option {
  using Value = std::variant<bool*, std::int64_t*, double*, std::string*, std::vector<std::string>*>;

  std::string name;        // without dashes, as in config.json
  Value value;             // bool: a flag without a value; a list: the option may come several times
  std::string shown = {};  // what stands for the value in the help: N, X, FILE; of a flag nothing
  std::string says;
  // Of numbers, which must be finite.
  std::optional<double> least = {}, above = {}, most = {}, below = {};
  std::vector<std::string> choices = {};  // of a text, if these are all
  std::string unset = {};                 // what the default, as it stands, means: "as many as there are"
  Kept kept = Kept::fixed;
};

// Options that several verbs or models have.
Option model_option(std::string& value);     // --model DIR
Option threads_option(std::int64_t& value);  // --threads N
Option layers_option(std::string name, std::int64_t& value, std::string says);
Option units_option(std::string name, std::int64_t& value, std::string says);  // such as --hidden N
Option dropout_option(double& value);

class Options {
 public:
  // `verb`, such as train, begins each error.
  explicit Options(std::string verb) : verb_(std::move(verb)) {}

  void group(std::string title) { group_ = std::move(title); }
  void add(Option option);

  // Takes what the command line says, after what a file has said. Returns the words that belong to no option.
  std::vector<std::string> read(const std::vector<std::string>& words);
  // Takes the members of the object, all of which must be options that are kept; `file` is for errors.
  void read(const Json& config, const std::string& file);

  // The values that are kept; texts that are empty, and so unset, left out.
  Json::Object config() const;
  // Whether the last read words named the option.
  bool is_given(std::string_view name) const;
  // Refuses options among the given that changed a fixed value of `saved`; `file` is for errors.
  void check_agree(const Json& saved, const std::string& file) const;

  // The options by their groups, 80 columns wide.
  std::string help(bool with_defaults = true) const;

  // Throws [verb] ...
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(verb_.c_str(), parts...);
  }

 private:
  struct Entry {
    Option option;
    std::string group;
    Json fallback;  // the value before anything was read
    bool given = false;
  };
  Entry* find(std::string_view name);
  void set(const Entry& entry, const Json& value, const std::string& called) const;
  [[noreturn]] void refuse_value(const Entry& entry, const std::string& called, const std::string& wanted,
                                 const std::string& given) const;

  std::string verb_, group_;
  std::vector<Entry> entries_;
};

}  // namespace gradus::cli
