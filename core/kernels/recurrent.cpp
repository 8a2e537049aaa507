#include <gradus/core/kernels/recurrent.h>

#include <algorithm>
#include <array>
#include <utility>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/elementwise.h>
#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/matmul.h>
#include <gradus/core/kernels/optional.h>
#include <gradus/core/kernels/packed.h>
#include <gradus/core/kernels/recurrent_cells.h>
#include <gradus/core/kernels/reduce.h>
#include <gradus/core/view.h>

namespace gradus::kernels {
namespace {

// f.operator()<Cell>()
template <class F>
void with_cell(RecurrentCell cell, const F& f) {
  switch (cell) {
    case RecurrentCell::tanh:
      return f.template operator()<PlainCell<false>>();
    case RecurrentCell::relu:
      return f.template operator()<PlainCell<true>>();
    case RecurrentCell::lstm:
      return f.template operator()<LstmCell>();
    case RecurrentCell::gru:
      return f.template operator()<GruCell>();
  }
}

// The sizes, the order of steps, and who takes part in them.
struct Course {
  std::int64_t steps, batch, hidden;
  bool reverse;
  Tensor held_lengths;
  const std::int64_t* lengths;

  Course(const RecurrentInputs& in, const RecurrentRule& rule)
      : steps(in.x.shape()[1]),
        batch(in.x.shape()[0]),
        hidden(in.weight_hh.shape()[1]),
        reverse(rule.reverse),
        held_lengths(contiguous_if(in.lengths)),
        lengths(data_if<std::int64_t>(held_lengths)) {}

  std::int64_t step(std::int64_t i) const { return reverse ? steps - 1 - i : i; }
  // The entries of states and cells around step t.
  std::int64_t before(std::int64_t t) const { return reverse ? t + 1 : t; }
  std::int64_t after(std::int64_t t) const { return reverse ? t : t + 1; }
  std::int64_t first() const { return reverse ? steps : 0; }
  std::int64_t last() const { return steps - first(); }
  bool takes_part(std::int64_t t, std::int64_t row) const { return lengths == nullptr || t < lengths[row]; }
};

// Row b of entry t in memory of (.., B, columns).
template <class T>
struct Rows {
  T* data;
  std::int64_t batch, columns;
  Rows(const Tensor& x)
      : data(data_if<T>(x)), batch(data ? x.shape()[1] : 0), columns(data ? x.shape().back() : 0) {}
  T* at(std::int64_t t, std::int64_t b = 0) const { return data + (t * batch + b) * columns; }
};

// Zeroes the rows of x (T, B, columns) from their lengths on.
template <class T>
void clear_padding(const Tensor& x, const Course& course) {
  const Rows<T> rows(x);
  for (std::int64_t t = 0; t < course.steps; ++t)
    for (std::int64_t b = 0; b < course.batch; ++b)
      if (!course.takes_part(t, b)) std::fill_n(rows.at(t, b), rows.columns, T(0));
}

// x as (T, B, E), contiguous: each step's rows together. What stands in the padding, were it NaN, stays out.
template <class T>
Tensor by_steps(const Tensor& x, const Course& course) {
  const Tensor turned = views::transpose(x, 0, 1);
  if (course.lengths == nullptr) return contiguous(turned);
  Tensor copy = clone(turned);
  clear_padding<T>(copy, course);
  return copy;
}

// Entries `from` to `from + T` of states (T + 1, B, H).
Tensor entries(const Tensor& states, std::int64_t from) {
  return views::slice(states, 0, from, from + states.shape()[0] - 1);
}

// The biases as far as they can be added to W_ih x: the GRU's b_hn is multiplied by r first.
Tensor common_bias(const RecurrentInputs& in, RecurrentCell cell) {
  if (!in.bias_ih.defined() && !in.bias_hh.defined()) return Tensor();
  const std::int64_t size = in.weight_hh.shape()[0];
  const Tensor sum = in.bias_ih.defined() ? clone(in.bias_ih) : full({size}, 0, in.x.dtype());
  const std::int64_t common = cell == RecurrentCell::gru ? size / 3 * 2 : size;
  if (in.bias_hh.defined())
    add_into(views::slice(sum, 0, 0, common), contiguous(views::slice(in.bias_hh, 0, 0, common)));
  return sum;
}

Tensor candidate_bias(const RecurrentInputs& in, RecurrentCell cell) {
  if (cell != RecurrentCell::gru) return Tensor();
  const std::int64_t hidden = in.weight_hh.shape()[1];
  return or_full(in.bias_hh.defined() ? views::slice(in.bias_hh, 0, 2 * hidden, 3 * hidden) : Tensor(), 0,
                 hidden, in.x.dtype());
}

// New memory for the states, with the initial one in its place.
Tensor states_from(const Tensor& initial, const Course& course, DType dtype) {
  Tensor states = Tensor::empty({course.steps + 1, course.batch, course.hidden}, dtype);
  const Tensor first = views::select(states, 0, course.first());
  if (initial.defined())
    copy_into(first, initial);
  else
    fill(first, 0);
  return states;
}

// Calls body(panel) for each panel of units; threads are started where the step's products pay for them.
// A thread gets the same panels at each step, so that their weights stay in its cache.
template <class T, class Body>
void for_each_panel(const Course& course, int gates, const Body& body) {
  const std::int64_t products = course.batch * course.hidden * gates * Packed<T>::width;
  parallel_for(Packed<T>::panels_for(course.hidden), worth_a_thread(products, product_grain),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t panel = begin; panel < end; ++panel) body(panel);
               });
}

// A panel of units at a time: its gates' products with the state before, then the cell, row by row, while
// these are in the first-level cache. For a single step the weights are not worth packing.
template <class T, class Cell>
void run_forward(const RecurrentInputs& in, const Course& course, const Tensor& bias,
                 const RecurrentTrace& trace) {
  constexpr std::int64_t width = Packed<T>::width, gates = Cell::gates;
  const std::int64_t hidden = course.hidden;
  const bool is_one_step = course.steps == 1;
  std::array<Packed<T>, gates> weights;
  for (std::int64_t g = 0; g < gates && !is_one_step; ++g)
    weights[static_cast<std::size_t>(g)] =
        Packed<T>(views::transpose(views::slice(in.weight_hh, 0, g * hidden, (g + 1) * hidden), 0, 1));
  // (panels, B, gates, width), or (B, gates, H)
  const Tensor scratch =
      is_one_step ? linear(views::select(trace.states, 0, course.first()), in.weight_hh, Tensor())
                  : Tensor::empty({Packed<T>::panels_for(hidden), course.batch, gates, width}, dtype_of<T>());
  const std::int64_t apart = is_one_step ? hidden : width;  // from gate to gate
  const Rows<T> states(trace.states), cells(trace.cells), values(trace.gates), candidates(trace.candidate);
  for (std::int64_t i = 0; i < course.steps; ++i) {
    const std::int64_t t = course.step(i), before = course.before(t), after = course.after(t);
    for_each_panel<T>(course, gates, [&](std::int64_t panel) {
      T* const products = scratch.data<T>() + panel * width * (is_one_step ? 1 : course.batch * gates);
      for (std::int64_t g = 0; g < gates && !is_one_step; ++g)
        weights[static_cast<std::size_t>(g)].multiply(states.at(before), hidden, course.batch, panel,
                                                      products + g * width, gates * width);
      const std::int64_t unit = panel * width, count = std::min(width, hidden - unit);
      const auto of = [&](const Rows<T>& x, std::int64_t entry, std::int64_t b) {
        return x.data == nullptr ? nullptr : x.at(entry, b) + unit;
      };
      for (std::int64_t b = 0; b < course.batch; ++b) {
        const CellForward<T> at{.count = count,
                                .apart = hidden,
                                .product = products + b * gates * apart,
                                .bias = bias.defined() ? bias.data<T>() + unit : nullptr,
                                .product_apart = apart,
                                .gates = of(values, t, b),
                                .h_before = of(states, before, b),
                                .c_before = of(cells, before, b),
                                .h = of(states, after, b),
                                .c = of(cells, after, b),
                                .candidate = of(candidates, t, b)};
        if (course.takes_part(t, b)) {
          Cell::forward(at);
        } else {
          std::copy_n(at.h_before, count, at.h);
          if (at.c != nullptr) std::copy_n(at.c_before, count, at.c);
        }
      }
    });
  }
}

// The gradients of the steps' products (T, B, G H), and of W_ih x where they are others.
struct GateGradients {
  Tensor product, projection;
};

// dh and dc, (B, H), come in as the gradients of the last state, and go out as those of the first.
template <class T, class Cell>
void run_backward(const Tensor& doutput, const Tensor& dh, const Tensor& dc, const RecurrentInputs& in,
                  const Course& course, const RecurrentTrace& trace, const GateGradients& gradients,
                  bool wants_dh0) {
  constexpr std::int64_t width = Packed<T>::width, gates = Cell::gates;
  const std::int64_t hidden = course.hidden;
  const Packed<T> weights = course.steps > 1 ? Packed<T>(in.weight_hh) : Packed<T>();
  const Tensor scratch = Tensor::empty({Packed<T>::panels_for(hidden), course.batch, width}, dtype_of<T>());
  const Rows<T> states(trace.states), cells(trace.cells), values(trace.gates), candidates(trace.candidate);
  const Rows<T> dproducts(gradients.product), dprojections(gradients.projection);
  T *const direct = dh.data<T>(), *const all_dc = data_if<T>(dc);
  const T* const dout = data_if<T>(doutput);
  const std::int64_t dout_row = dout ? doutput.strides()[0] : 0, dout_step = dout ? doutput.strides()[1] : 0;

  // dh += (the gradients of the gates of step t) W_hh, for one panel.
  const auto add_product = [&](std::int64_t t, std::int64_t panel) {
    T* const product = scratch.data<T>() + panel * course.batch * width;
    weights.multiply(dproducts.at(t), gates * hidden, course.batch, panel, product, width);
    const std::int64_t unit = panel * width, count = std::min(width, hidden - unit);
    for (std::int64_t b = 0; b < course.batch; ++b) {
      T* const to = direct + b * hidden + unit;
#pragma omp simd
      for (std::int64_t j = 0; j < count; ++j) to[j] += product[b * width + j];
    }
  };

  for (std::int64_t i = course.steps - 1; i >= 0; --i) {
    const std::int64_t t = course.step(i), before = course.before(t), after = course.after(t);
    for_each_panel<T>(course, gates, [&](std::int64_t panel) {
      if (i + 1 < course.steps) add_product(course.step(i + 1), panel);
      const std::int64_t unit = panel * width, count = std::min(width, hidden - unit);
      const auto of = [&](const Rows<T>& x, std::int64_t entry, std::int64_t b) {
        return x.data == nullptr ? nullptr : x.at(entry, b) + unit;
      };
      for (std::int64_t b = 0; b < course.batch; ++b) {
        T* const dh_row = direct + b * hidden + unit;
        const CellBackward<T> at{.count = count,
                                 .apart = hidden,
                                 .gates = of(values, t, b),
                                 .candidate = of(candidates, t, b),
                                 .h_before = of(states, before, b),
                                 .h = of(states, after, b),
                                 .c_before = of(cells, before, b),
                                 .c = of(cells, after, b),
                                 .dh = dh_row,
                                 .dc = all_dc == nullptr ? nullptr : all_dc + b * hidden + unit,
                                 .dh_direct = dh_row,
                                 .dproduct = of(dproducts, t, b),
                                 .dprojection = of(dprojections, t, b)};
        if (!course.takes_part(t, b)) {
          for (std::int64_t g = 0; g < gates; ++g) {
            std::fill_n(at.dproduct + g * hidden, count, T(0));
            if (at.dprojection != nullptr) std::fill_n(at.dprojection + g * hidden, count, T(0));
          }
          continue;
        }
        if (dout != nullptr) {
          const T* const from = dout + b * dout_row + t * dout_step + unit;
#pragma omp simd
          for (std::int64_t j = 0; j < count; ++j) dh_row[j] += from[j];
        }
        Cell::backward(at);
      }
    });
  }
  if (wants_dh0 && course.steps == 1)
    add_into(dh, matmul(views::select(gradients.product, 0, 0), in.weight_hh));
  if (wants_dh0 && course.steps > 1)
    for_each_panel<T>(course, gates, [&](std::int64_t panel) { add_product(course.step(0), panel); });
}

// A copy to add to; zeros where there is none.
Tensor starting_from(const Tensor& gradient, const Course& course, DType dtype) {
  return gradient.defined() ? clone(gradient) : full({course.batch, course.hidden}, 0, dtype);
}

Tensor sum_outer_or_add(const Tensor* sum, const Tensor& a, const Tensor& b) {
  if (sum == nullptr) return sum_outer(a, b);
  add_sum_outer(*sum, a, b);
  return Tensor();
}

}  // namespace

int gates_of(RecurrentCell cell) {
  int gates = 0;
  with_cell(cell, [&]<class Cell>() { gates = Cell::gates; });
  return gates;
}

Recurrent recurrent(const RecurrentInputs& in, const RecurrentRule& rule) {
  const DType dtype = in.x.dtype();
  const Course course(in, rule);
  const bool is_lstm = rule.cell == RecurrentCell::lstm, is_gru = rule.cell == RecurrentCell::gru;
  Recurrent out;
  dispatch_floating(dtype, "recurrent", [&]<class T>() {
    out.trace = {.states = states_from(in.h0, course, dtype),
                 .cells = is_lstm ? states_from(in.c0, course, dtype) : Tensor(),
                 .gates = linear(by_steps<T>(in.x, course), in.weight_ih, common_bias(in, rule.cell)),
                 .candidate = empty_if(is_gru, {course.steps, course.batch, course.hidden}, dtype)};
    with_cell(rule.cell, [&]<class Cell>() {
      run_forward<T, Cell>(in, course, candidate_bias(in, rule.cell), out.trace);
    });
    Tensor output = entries(out.trace.states, course.reverse ? 0 : 1);
    if (course.lengths != nullptr) {
      output = clone(output);
      clear_padding<T>(output, course);
    }
    out.output = views::transpose(output, 0, 1);
  });
  out.h = clone(views::select(out.trace.states, 0, course.last()));
  if (is_lstm) out.c = clone(views::select(out.trace.cells, 0, course.last()));
  if (!is_lstm && !is_gru) out.trace.gates = Tensor();  // a plain cell's only gate is its state
  return out;
}

RecurrentGradients recurrent_backward(const Tensor& any_doutput, const Tensor& dh, const Tensor& dc,
                                      const RecurrentInputs& in, const RecurrentTrace& trace,
                                      const RecurrentRule& rule, const RecurrentWanted& wanted) {
  const DType dtype = in.x.dtype();
  const Course course(in, rule);
  const Shape shape{course.steps, course.batch, in.weight_hh.shape()[0]};
  const GateGradients gates{Tensor::empty(shape, dtype),
                            empty_if(rule.cell == RecurrentCell::gru, shape, dtype)};
  const Tensor& projection = gates.projection.defined() ? gates.projection : gates.product;
  RecurrentGradients out;
  out.dh0 = starting_from(dh, course, dtype);
  if (rule.cell == RecurrentCell::lstm) out.dc0 = starting_from(dc, course, dtype);
  const Tensor doutput =
      any_doutput.defined() && any_doutput.strides().back() != 1 ? contiguous(any_doutput) : any_doutput;
  dispatch_floating(dtype, "recurrent", [&]<class T>() {
    with_cell(rule.cell, [&]<class Cell>() {
      run_backward<T, Cell>(doutput, out.dh0, out.dc0, in, course, trace, gates, wanted.dh0);
    });
    if (wanted.dweight_ih)
      out.dweight_ih = sum_outer_or_add(wanted.dweight_ih_sum, projection, by_steps<T>(in.x, course));
  });
  if (wanted.dx) out.dx = views::transpose(matmul(projection, in.weight_ih), 0, 1);
  if (wanted.dweight_hh)
    out.dweight_hh =
        sum_outer_or_add(wanted.dweight_hh_sum, gates.product, entries(trace.states, course.reverse ? 1 : 0));
  if (wanted.dbias_ih) out.dbias_ih = sum(projection, {0, 1});
  // Never one tensor for two gradients: one may be changed in place.
  if (wanted.dbias_hh)
    out.dbias_hh =
        wanted.dbias_ih && !gates.projection.defined() ? clone(out.dbias_ih) : sum(gates.product, {0, 1});
  return out;
}

}  // namespace gradus::kernels
