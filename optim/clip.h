// Clipping of gradients, between backward() and step():
//
//   loss.backward();
//   optim::clip_grad_norm(optimiser.parameters(), 1.0);
//   optimiser.step();
//
// A gradient with an element that is not finite is refused by its parameter's name, and then none has
// changed: no scale would make it one to step along. A gradient tensor that something else holds as well
// stays as it is; the parameter gets a new one.
#pragma once

#include <gradus/optim/parameters.h>

namespace gradus::optim {

// Scales all gradients by one number, so that the norm of all their elements together is at most `max`; keeps
// their direction. Returns the norm that they had; with max = INFINITY it is only measured.
// Pascanu, Mikolov & Bengio 2013
double clip_grad_norm(const Parameters& parameters, double max);

// Puts each element of the gradients that is outside [-max, max] on its border.
void clip_grad_value(const Parameters& parameters, double max);

}  // namespace gradus::optim
