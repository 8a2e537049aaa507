// What op_table_test.cpp runs on each row. A family under work can run them on its rows alone.
#pragma once

#include "support/op_table.h"

namespace gradus::test {

void check_value(const OpRow& row);
void check_gradients(const OpRow& row);
void check_definition(const OpRow& row);
void check_strides(const OpRow& row);
void check_empty(const OpRow& row);
void check_f32(const OpRow& row);
void check_threads(const OpRow& row);
void check_not_recorded(const OpRow& row);
void check_refusals(const OpRow& row);
void check_frees(const OpRow& row);

}  // namespace gradus::test
