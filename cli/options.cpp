#include <gradus/cli/options.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include <gradus/cli/command_line.h>
#include <gradus/cli/nearest.h>
#include <gradus/core/wrap.h>

namespace gradus::cli {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>  // clang 14 asks for it
Overloaded(Cases...)->Overloaded<Cases...>;

Json json_of(const Option::Value& value) {
  return std::visit(Overloaded{[](const std::vector<std::string>* list) {
                                 return Json(Json::Array(list->begin(), list->end()));
                               },
                               [](const auto* single) { return Json(*single); }},
                    value);
}

template <class T>
bool read_whole(const std::string& text, T& value) {
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stopped == end;
}

// As one would type it: 1, 0.5, 'text'.
std::string shown(const Json& value) {
  const std::string text = format_json(value);
  if (text.starts_with('"')) return "'" + value.text() + "'";
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

// Whole ones without an exponent.
std::string shown_limit(double limit) {
  return limit == std::floor(limit) ? std::to_string(static_cast<std::int64_t>(limit)) : shown(limit);
}

// The limit that a value breaks, such as "at least 1"; empty where it breaks none.
std::string broken_limit(const Option& option, double value) {
  if (option.least && value < *option.least) return "at least " + shown_limit(*option.least);
  if (option.above && value <= *option.above) return "above " + shown_limit(*option.above);
  if (option.most && value > *option.most) return "at most " + shown_limit(*option.most);
  if (option.below && value >= *option.below) return "below " + shown_limit(*option.below);
  return "";
}

// The default, as the help has it; empty where there is none to tell.
std::string fallback_of(const Option& option, const Json& fallback) {
  if (!option.unset.empty()) return option.unset;
  if (std::holds_alternative<bool*>(option.value) ||
      std::holds_alternative<std::vector<std::string>*>(option.value) || fallback == Json(""))
    return "";
  return std::holds_alternative<std::string*>(option.value) ? fallback.text() : shown(fallback);
}

// What is taken for a slip of the finger before it takes all memory.
constexpr double most_threads = 1024, most_layers = 1024, most_units = 65536;

}  // namespace

Option model_option(std::string& value) {
  return {.name = "model",
          .value = &value,
          .shown = "DIR",
          .says = "the folder that train has kept the model in"};
}

Option threads_option(std::int64_t& value) {
  return {.name = "threads",
          .value = &value,
          .shown = "N",
          .says =
              "how many; results do not depend on it. Where other programs use the cores too, fewer are "
              "faster",
          .least = 1,
          .most = most_threads,
          .unset = "all cores",
          .kept = Kept::no};
}

Option layers_option(std::string name, std::int64_t& value, std::string says) {
  return {.name = std::move(name),
          .value = &value,
          .shown = "N",
          .says = std::move(says),
          .least = 1,
          .most = most_layers};
}

Option units_option(std::string name, std::int64_t& value, std::string says) {
  return {.name = std::move(name),
          .value = &value,
          .shown = "N",
          .says = std::move(says),
          .least = 1,
          .most = most_units};
}

Option dropout_option(double& value) {
  return {.name = "dropout",
          .value = &value,
          .shown = "X",
          .says = "part of vectors and outputs that is left out",
          .least = 0,
          .below = 1};
}

void Options::add(Option option) {
  Json fallback = json_of(option.value);
  entries_.push_back({std::move(option), group_, std::move(fallback)});
}

Options::Entry* Options::find(std::string_view name) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.option.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

bool Options::is_given(std::string_view name) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& entry) { return entry.option.name == name && entry.given; });
}

void Options::refuse_value(const Entry& entry, const std::string& called, const std::string& wanted,
                           const std::string& given) const {
  const std::string fallback = fallback_of(entry.option, entry.fallback);
  const std::string way_out =
      entry.option.unset.empty() && !fallback.empty() ? "The default, " + fallback + "?" : "Leave it out?";
  refuse(called, " must be ", wanted, ", not ", given, ". ", way_out);
}

void Options::set(const Entry& entry, const Json& value, const std::string& called) const {
  const Option& option = entry.option;
  const auto kind = [&](const auto& read, const char* wanted) {
    try {
      return read();
    } catch (const Error&) {
      refuse_value(entry, called, wanted, shown(value));
    }
  };
  const auto within = [&](auto number) {
    const std::string broken = broken_limit(option, static_cast<double>(number));
    if (!broken.empty()) refuse_value(entry, called, broken, shown(value));
    return number;
  };
  std::visit(Overloaded{[&](bool* to) { *to = kind([&] { return value.boolean(); }, "true or false"); },
                        [&](std::int64_t* to) {
                          *to = within(kind([&] { return value.integer(); }, "a whole number"));
                        },
                        [&](double* to) { *to = within(kind([&] { return value.number(); }, "a number")); },
                        [&](std::string* to) {
                          const std::string text = kind([&] { return value.text(); }, "a text");
                          if (!option.choices.empty() && std::ranges::count(option.choices, text) == 0) {
                            const std::string near = nearest(text, option.choices);
                            refuse(called, " must be ", one_of(option.choices), ", not '", text, "'. ",
                                   near.empty() ? "One of these" : near, "?");
                          }
                          *to = text;
                        },
                        [&](std::vector<std::string>* to) {
                          std::vector<std::string> texts;
                          kind(
                              [&] {
                                for (const Json& text : value.array()) texts.push_back(text.text());
                                return true;
                              },
                              "an array of texts");
                          *to = std::move(texts);
                        }},
             option.value);
}

std::vector<std::string> Options::read(const std::vector<std::string>& words) {
  std::vector<Flag> flags;
  for (const Entry& entry : entries_) flags.push_back({entry.option.name, entry.option.shown});
  CommandLine line = read_command_line(verb_, flags, words);
  for (Entry& entry : entries_) {
    const std::vector<std::string>& given = line.values[entry.option.name];
    entry.given = !given.empty();
    if (!entry.given) continue;
    const std::string called = "--" + entry.option.name;
    if (std::holds_alternative<std::vector<std::string>*>(entry.option.value)) {
      set(entry, Json::Array(given.begin(), given.end()), called);
      continue;
    }
    if (std::holds_alternative<bool*>(entry.option.value) && given[0] != "true")
      refuse(called, " takes no value. Leave out '", given[0], "'?");
    if (given.size() > 1) refuse(called, " is given ", given.size(), " times. Once?");
    const std::string& text = given[0];
    std::visit(Overloaded{[&](bool*) { set(entry, true, called); },
                          [&](std::int64_t*) {
                            std::int64_t number = 0;
                            if (!read_whole(text, number))
                              refuse_value(entry, called, "a whole number", "'" + text + "'");
                            set(entry, number, called);
                          },
                          [&](double*) {
                            double number = 0;
                            if (!read_whole(text, number) || !std::isfinite(number))
                              refuse_value(entry, called, "a number", "'" + text + "'");
                            set(entry, number, called);
                          },
                          [&](auto*) { set(entry, text, called); }},
               entry.option.value);
  }
  return std::move(line.rest);
}

void Options::read(const Json& config, const std::string& file) {
  if (!config.is_object()) refuse(file, " must be an object, such as {\"steps\": 100}");
  for (const auto& [name, value] : config.object()) {
    const Entry* const entry = find(name);
    if (entry == nullptr || entry->option.kept == Kept::no) {
      std::vector<std::string> names;
      for (const Entry& each : entries_)
        if (each.option.kept != Kept::no) names.push_back(each.option.name);
      refuse("there is no option '", name, "' for ", file, " to set. ", did_you_mean(name, names));
    }
    std::string called = file;
    set(*entry, value, called.append(": ").append(name));
  }
}

Json::Object Options::config() const {
  Json::Object all;
  for (const Entry& entry : entries_)
    if (Json value = json_of(entry.option.value); entry.option.kept != Kept::no && value != Json(""))
      all.emplace_back(entry.option.name, std::move(value));
  return all;
}

void Options::check_agree(const Json& saved, const std::string& file) const {
  for (const Entry& entry : entries_) {
    if (!entry.given || entry.option.kept != Kept::fixed) continue;
    const Json now = json_of(entry.option.value);
    const Json* const before = saved.find(entry.option.name);
    if (before == nullptr ? now != entry.fallback : *before != now)
      refuse("--", entry.option.name, " ", shown(now), " contradicts ", file, ", which has ",
             before == nullptr ? "none" : shown(*before), ". Leave it out, or begin another run?");
  }
}

std::string Options::help(bool with_defaults) const {
  std::string page;
  const std::string* group = nullptr;
  for (const Entry& entry : entries_) {
    const Option& option = entry.option;
    if (group == nullptr || *group != entry.group) {
      page.append(page.empty() ? "" : "\n").append(entry.group).append(":\n");
      group = &entry.group;
    }
    std::string line = "  --" + option.name;
    if (!option.shown.empty()) line.append(" ").append(option.shown);
    std::string says = option.says;
    if (const std::string fallback = fallback_of(option, entry.fallback); with_defaults && !fallback.empty())
      says.append(" (").append(fallback).append(")");
    page.append(labelled(line, says, 26)).append("\n");
  }
  return page;
}

}  // namespace gradus::cli
