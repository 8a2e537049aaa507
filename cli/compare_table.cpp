// What comparing found, as text.
#include <algorithm>

#include <gradus/cli/compare.h>
#include <gradus/cli/print.h>
#include <gradus/core/wrap.h>

namespace gradus::cli {
namespace {

constexpr std::size_t first_column = 20, column = 12;

// Characters, not bytes.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string left(std::string text, std::size_t width) {
  return text + std::string(width - std::min(width, width_of(text)), ' ');
}
std::string right(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, width_of(text)), ' ') + text;
}

// 1234567 as 1,234,567.
std::string with_commas(const std::string& digits) {
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string shown(const Figure& figure) {
  if (!figure.value) return "-";
  const std::string number = printed("%.*f", figure.digits, *figure.value);
  return figure.digits == 0 && *figure.value >= 0 ? with_commas(number) : number;
}

}  // namespace

std::string table_of(const Comparison& comparison) {
  std::string text = left("", first_column);
  for (const Compared& model : comparison.models) text += right(model.name, column);
  text += "\n";
  if (comparison.models.empty()) return text;
  for (std::size_t row = 0; row < comparison.models[0].figures.size(); ++row) {
    text += left(comparison.models[0].figures[row].label, first_column);
    for (const Compared& model : comparison.models) text += right(shown(model.figures[row]), column);
    text += "\n";
  }
  for (std::size_t i = 0; i < comparison.sentences.size(); ++i) {
    const auto line = [&](const std::string& who, const std::string& what) {
      text.append(labelled("  " + who, what, 15)).append("\n");
    };
    text.append("\n").append(wrapped(comparison.sentences[i].english)).append("\n");
    line("expected", comparison.sentences[i].french);
    for (const Compared& model : comparison.models) line(model.name, model.translations[i]);
  }
  return text;
}

std::string csv_of(const Comparison& comparison) {
  std::string text = "model";
  if (!comparison.models.empty())
    for (const Figure& figure : comparison.models[0].figures) text.append(",").append(figure.key);
  text += "\n";
  for (const Compared& model : comparison.models) {
    text += model.name;
    for (const Figure& figure : model.figures)
      text.append(",").append(figure.value ? format_json(*figure.value) : "");
    text += "\n";
  }
  return text;
}

Json json_of(const Comparison& comparison) {
  const CompareSettings& s = comparison.settings;
  Json::Array models, sentences;
  for (const Compared& model : comparison.models) {
    Json::Object object{{"model", model.name}, {"says", model.says}};
    for (const Figure& figure : model.figures)
      object.emplace_back(figure.key, figure.value ? Json(*figure.value) : Json());
    models.emplace_back(std::move(object));
  }
  for (std::size_t i = 0; i < comparison.sentences.size(); ++i) {
    Json::Object translations;
    for (const Compared& model : comparison.models)
      translations.emplace_back(model.name, model.translations[i]);
    sentences.emplace_back(Json::Object{{"english", comparison.sentences[i].english},
                                        {"french", comparison.sentences[i].french},
                                        {"translations", std::move(translations)}});
  }
  return Json::Object{{"settings", Json::Object{{"params", s.parameters},
                                                {"steps", s.steps},
                                                {"batch-size", s.batch_size},
                                                {"held-out", s.held_out},
                                                {"seed", s.seed}}},
                      {"models", std::move(models)},
                      {"sentences", std::move(sentences)}};
}

}  // namespace gradus::cli
