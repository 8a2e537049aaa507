"""GPT-1 and GPT-2, one position and one head at a time where that is plainer. A case's name says where its norms
stand, and what else is not as usual."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from pack import Family

VOCABULARY, CONTEXT, WIDTH, HEADS = 7, 6, 4, 2
IDS = torch.tensor([[3, 1, 6, 1, 0], [5, 2, 2, 4, 0]])
REAL = torch.tensor([[True] * 5, [True, True, True, False, False]])
ACTIVATIONS = {"gelu": lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3))),
               "relu": torch.relu}


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * WIDTH, WIDTH))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * WIDTH))
        self.out_proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x, real):
        """y, and how each head attended: weights[b, h, t, s]."""
        size, each = x.shape[1], WIDTH // HEADS
        projected = x @ self.in_proj_weight.T + self.in_proj_bias
        heads, weights = [], []
        for h in range(HEADS):
            q, k, v = (projected[..., part * WIDTH + h * each:part * WIDTH + (h + 1) * each] for part in range(3))
            rows = []
            for t in range(size):
                scores = (q[:, t:t + 1] * k[:, :t + 1]).sum(-1) / math.sqrt(each)
                scores = scores.masked_fill(~real[:, :t + 1], -math.inf)
                rows.append(F.pad(torch.softmax(scores, -1), (0, size - t - 1)))
            weights.append(torch.stack(rows, 1))
            heads.append(weights[-1] @ v)
        return self.out_proj(torch.cat(heads, -1)), torch.stack(weights, 1)


class Layer(nn.Module):
    def __init__(self, place, activation):
        super().__init__()
        self.place, self.activation = place, ACTIVATIONS[activation]
        self.self_attn = Attention()
        self.linear1, self.linear2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, x, real):
        feed_forward = lambda h: self.linear2(self.activation(self.linear1(h)))
        if self.place == "post":
            y, weights = self.self_attn(x, real)
            x = self.norm1(x + y)
            return self.norm2(x + feed_forward(x)), weights
        y, weights = self.self_attn(self.norm1(x), real)
        x = x + y
        return x + feed_forward(self.norm2(x)), weights


class Table(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(CONTEXT, WIDTH))


class Gpt(nn.Module):
    def __init__(self, place, position="learned", activation="gelu", tied=True):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        if position == "learned":
            self.position = Table()
        self.layers = nn.ModuleList(Layer(place, activation) for _ in range(2))
        if place == "pre":
            self.norm = nn.LayerNorm(WIDTH)
        if not tied:
            self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)

    def positions(self, size):
        if hasattr(self, "position"):
            return self.position.weight[:size]
        angle = lambda p, i: p * 10000 ** -(2 * (i // 2) / WIDTH)
        return torch.tensor([[(math.cos if i % 2 else math.sin)(angle(p, i)) for i in range(WIDTH)]
                             for p in range(size)])

    def forward(self, ids, real=None):
        real = torch.ones_like(ids, dtype=torch.bool) if real is None else real
        x, layers = self.embedding(ids) + self.positions(ids.shape[1]), {}
        for k, layer in enumerate(self.layers):
            x, layers[f"layer{k}"] = layer(x, real)
        if hasattr(self, "norm"):
            x = self.norm(x)
        matrix = self.head.weight if hasattr(self, "head") else self.embedding.weight
        return {"logits": x @ matrix.T, **layers}


def make():
    family = Family("models_gpt")
    for place in ("post", "pre"):
        family.case(place, Gpt(place), dict(ids=IDS), rate=0.01)
        family.case(place + " padded", Gpt(place), dict(ids=IDS, real=REAL),
                    lambda model, ids, real: model(ids, real)["logits"], rate=0.01)
    family.case("pre untied", Gpt("pre", tied=False), dict(ids=IDS), rate=0.01)
    family.case("pre sinusoidal relu", Gpt("pre", "sinusoidal", "relu"), dict(ids=IDS), rate=0.01)
    family.save()
