"""Optimisers, from given weights with given gradients that they share: start/NAME, gradients/NAME (10, ...).
Of each, CASE/NAME (10, ...) holds the weights after each of ten steps. rates/NAME: what schedules give as
learning rates over 50 steps."""
import math

import torch
from torch import nn, optim
from torch.optim import lr_scheduler, swa_utils

from pack import Chance, Family

SHAPES = {"weight": (3, 4), "bias": (4,)}


class Problem:
    def __init__(self):
        chance = Chance("optimisers")
        self.start = {name: chance.normal(*shape) for name, shape in SHAPES.items()}
        self.gradients = {name: chance.normal(10, *shape) for name, shape in SHAPES.items()}
        self.gradients["bias"][:, 0] = 0      # an element that is never used
        self.gradients["bias"][:4, 1] = 0     # one that is used late
        self.gradients["weight"][:, 0] *= 1e-9  # where eps matters

    def weights(self):
        return {name: nn.Parameter(x.clone()) for name, x in self.start.items()}

    def set_gradients(self, weights, step):
        for name, x in weights.items():
            x.grad = self.gradients[name][step].clone()

    def steps(self, make, schedule=None):
        """The weights after each of ten steps."""
        weights = self.weights()
        optimiser = make(list(weights.values()))
        schedule = schedule(optimiser) if schedule else None
        after = {name: [] for name in weights}
        for step in range(10):
            self.set_gradients(weights, step)
            optimiser.step()
            if schedule:
                schedule.step()
            for name, x in weights.items():
                after[name].append(x.detach().clone())
        return {name: torch.stack(list_) for name, list_ in after.items()}


def noam(width, warmup):
    """The learning rate of step t = 0, 1, ...; Vaswani et al. 2017 count from 1."""
    return lambda t: width ** -0.5 * min((t + 1) ** -0.5, (t + 1) * warmup ** -1.5)


def rates(make, metrics=None):
    optimiser = optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = make(optimiser)
    found = []
    for step in range(50):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step(*([] if metrics is None else [metrics[step]]))
    return torch.tensor(found)


def make():
    family, problem = Family("optimisers"), Problem()

    def put(case, tensors):
        for name, x in tensors.items():
            family.put(f"{case}/{name}", x)

    put("start", problem.start)
    put("gradients", problem.gradients)
    for case, rule in {
            "sgd": lambda p: optim.SGD(p, lr=0.1),
            "sgd momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
            "sgd nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
            "sgd decay": lambda p: optim.SGD(p, lr=0.1, weight_decay=0.2),
            "sgd nesterov decay": lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.2),
            "adagrad": lambda p: optim.Adagrad(p, lr=0.1, eps=1e-8),
            "adagrad decay": lambda p: optim.Adagrad(p, lr=0.1, weight_decay=0.2),
            "rmsprop": lambda p: optim.RMSprop(p, lr=0.1),
            "rmsprop decay": lambda p: optim.RMSprop(p, lr=0.1, alpha=0.9, eps=1e-6, weight_decay=0.2),
            "adam": lambda p: optim.Adam(p, lr=0.1),
            "adam of 2017": lambda p: optim.Adam(p, lr=0.1, betas=(0.9, 0.98), eps=1e-9),
            "adam decay": lambda p: optim.Adam(p, lr=0.1, weight_decay=0.2),
            "adamw": lambda p: optim.AdamW(p, lr=0.1),
            "adamw decay": lambda p: optim.AdamW(p, lr=0.1, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.2),
            "adamw groups": lambda p: optim.AdamW([{"params": p[:1]},
                                                   {"params": p[1:], "weight_decay": 0, "lr": 0.05}],
                                                  lr=0.1, weight_decay=0.2)}.items():
        put(case, problem.steps(rule))
    put("adam with warm-up", problem.steps(lambda p: optim.Adam(p, lr=1, betas=(0.9, 0.98), eps=1e-9),
                                           lambda o: lr_scheduler.LambdaLR(o, noam(16, 4))))

    weights = problem.weights()
    problem.set_gradients(weights, 0)
    norm = nn.utils.clip_grad_norm_(weights.values(), 0.7)
    put("clipped by norm", {name: x.grad for name, x in weights.items()})
    family.put("clipped by norm/norm", norm)
    problem.set_gradients(weights, 0)
    nn.utils.clip_grad_value_(weights.values(), 0.3)
    put("clipped by value", {name: x.grad for name, x in weights.items()})

    # Averages of the weights that "sgd momentum" passes, from those at the start.
    model = nn.ParameterDict(problem.weights())
    average = swa_utils.AveragedModel(model, avg_fn=lambda mean, x, count: 0.9 * mean + 0.1 * x)
    average.update_parameters(model)  # the first call copies
    path = problem.steps(lambda p: optim.SGD(p, lr=0.1, momentum=0.9))
    for step in range(10):
        model.load_state_dict({name: x[step] for name, x in path.items()})
        average.update_parameters(model)
    put("moving average", {name: average.module[name] for name in SHAPES})

    family.put("rates/step", rates(lambda o: lr_scheduler.StepLR(o, step_size=7, gamma=0.5)))
    family.put("rates/cosine", rates(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=50, eta_min=0.01)))
    family.put("rates/linear", rates(lambda o: lr_scheduler.LinearLR(o, 1, 0.1, total_iters=50)))
    family.put("rates/one-cycle", rates(lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=50)))
    family.put("rates/noam", rates(lambda o: lr_scheduler.LambdaLR(o, lambda t: noam(16, 8)(t) / 0.1)))
    family.put("rates/warm-up and linear decay", rates(lambda o: lr_scheduler.LambdaLR(
        o, lambda t: min((t + 1) / 8, (50 - t) / (50 - 8)))))
    family.put("rates/warm-up and cosine decay", rates(lambda o: lr_scheduler.LambdaLR(
        o, lambda t: (t + 1) / 8 if t < 8 else 0.5 * (1 + math.cos(math.pi * (t - 8) / (50 - 8))))))
    # Falls, then stays about where it is, then rises.
    metrics = [max(1.0, 3 - 0.2 * t) + 0.01 * (t % 3) + max(0, t - 35) * 0.05 for t in range(50)]
    family.put("metrics", torch.tensor(metrics))
    family.put("rates/plateau", rates(lambda o: lr_scheduler.ReduceLROnPlateau(
        o, factor=0.5, patience=3, min_lr=0.005), metrics))
    family.save()
