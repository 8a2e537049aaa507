// Runs the op table: see support/op_table.h.
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "support/catch.h"
#include "support/op_table_checks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

std::vector<OpRow> op_table() {
  std::vector<OpRow> all;
  for (const auto& family :
       {attention_rows, compare_rows, conv_rows, elementwise_rows, index_rows, join_rows, loss_rows,
        matmul_rows, norm_rows, random_rows, recurrent_rows, reduce_rows, softmax_rows, sort_rows, view_rows})
    for (OpRow& row : family()) all.push_back(std::move(row));
  return all;
}

const std::vector<OpRow>& rows() {
  static const std::vector<OpRow> table = op_table();
  return table;
}

std::set<std::string> names() {
  std::set<std::string> all;
  for (const OpRow& row : rows()) all.insert(row.name);
  return all;
}

void for_each_row(void (*check_row)(const OpRow&)) {
  // Numbered, since several rows may bear one name and a section that bears a name twice runs once.
  for (std::size_t i = 0; i < rows().size(); ++i) {
    DYNAMIC_SECTION(i << " " << rows()[i].name) { check_row(rows()[i]); }
  }
}

}  // namespace

TEST_CASE("every op gives the value of its scalar reference", "[op]") { for_each_row(check_value); }
TEST_CASE("every op's first and second gradient pass gradcheck", "[op][grad]") {
  for_each_row(check_gradients);
}
TEST_CASE("every fused op equals its definition", "[op][grad]") { for_each_row(check_definition); }
TEST_CASE("every op takes inputs of any strides", "[op]") { for_each_row(check_strides); }
TEST_CASE("every op takes or refuses an empty input", "[op]") { for_each_row(check_empty); }
TEST_CASE("every op in f32 agrees with f64", "[op]") { for_each_row(check_f32); }
TEST_CASE("every op gives the same bits at 1, 2 and 3 threads", "[op][threads]") {
  for_each_row(check_threads);
}
TEST_CASE("every op frees what it kept, walked backward or not", "[op][grad]") { for_each_row(check_frees); }
TEST_CASE("ops without a derivative record none", "[op]") { for_each_row(check_not_recorded); }
TEST_CASE("every op's refusals say what is wrong, leak nothing and draw nothing", "[op][error]") {
  for_each_row(check_refusals);
}

TEST_CASE("every public op has a row in the op table", "[op]") {
  // A declaration that gives back tensors, outside namespace definition: the name stands before its
  // parenthesis.
  const std::regex declaration(
      R"(^(?:inline )?(?:Tensor|std::vector<Tensor>|std::array<Tensor, \d+>|[A-Z]\w+) )"
      R"((operator\W+|\w+)\(.*)");
  std::size_t found = 0;
  for (const auto& file : std::filesystem::directory_iterator(GRADUS_SOURCE_DIR "/autograd/ops")) {
    if (file.path().extension() != ".h") continue;
    std::ifstream text(file.path());
    bool in_definition = false;
    for (std::string line; std::getline(text, line);) {
      if (line.starts_with("namespace definition")) in_definition = true;
      if (line.starts_with("}  // namespace definition")) in_definition = false;
      std::smatch match;
      if (in_definition || line.find("inline ") == 0 || !std::regex_match(line, match, declaration)) continue;
      ++found;
      INFO(file.path().filename().string() << " declares " << match[1] << ", which has no row");
      CHECK(names().contains(match[1]));
    }
  }
  CHECK(found >= names().size() / 2);  // the pattern still finds declarations
}

TEST_CASE("every view of Tensor has a row in the op table", "[op]") {
  for (const char* view : {"reshape", "flatten", "transpose", "permute", "slice", "select", "expand",
                           "squeeze", "unsqueeze", "contiguous", "to", "clone"}) {
    INFO(view);
    CHECK(names().contains(view));
  }
}
