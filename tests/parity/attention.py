"""Attention, positions, the layers of the Transformer. Masks in the files are true where a query may attend,
as ours are; PyTorch's are true where it may not. Not in PyTorch 1.13, and so written as formulas: the attention
of Bahdanau and of Luong, sinusoids, rotary positions."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from pack import Family

REAL = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]]).bool()  # (B, Tk)
SEEN = torch.tensor([[1, 0, 1, 1], [1, 1, 1, 0], [1, 1, 0, 1]]).bool()  # (Tq, Tk)
CAUSAL = torch.ones(4, 4, dtype=torch.bool).tril()


class Attention(nn.Module):
    def __init__(self, score, query=3, key=3, hidden=5):
        super().__init__()
        self.kind, linear = score, lambda i, o: nn.Linear(i, o, bias=False)
        if score == "general":
            self.key = linear(key, query)
        if score == "additive":
            self.query, self.key, self.score = linear(query, hidden), linear(key, hidden), linear(hidden, 1)
        if score == "concat":
            self.concat, self.score = linear(query + key, hidden), linear(hidden, 1)

    def scores(self, q, k):
        if self.kind == "dot":
            return q @ k.mT
        if self.kind == "scaled":
            return q @ k.mT / math.sqrt(q.shape[-1])
        if self.kind == "general":
            return q @ self.key(k).mT
        if self.kind == "additive":
            return self.score(torch.tanh(self.query(q)[:, :, None] + self.key(k)[:, None]))[..., 0]
        pairs = [q[:, :, None].expand(-1, -1, k.shape[1], -1), k[:, None].expand(-1, q.shape[1], -1, -1)]
        return self.score(torch.tanh(self.concat(torch.cat(pairs, -1))))[..., 0]

    def forward(self, queries, keys, values, real):
        weights = self.scores(queries, keys).masked_fill(~real[:, None], -math.inf).softmax(-1)
        return dict(y=weights @ values, weights=weights)


def sinusoids(count, width):
    angles = torch.arange(count)[:, None] * 10000.0 ** (-torch.arange(0, width, 2) / width)
    return torch.stack([angles.sin(), angles.cos()], -1).reshape(count, width)


def rotated(x):
    """Neighbouring features as complex numbers, multiplied by exp(i p w)."""
    angles = torch.arange(x.shape[-2])[:, None] * 10000.0 ** (-torch.arange(0, x.shape[-1], 2) / x.shape[-1])
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)).flatten(-2)


def with_rotary(module, x):
    B, T, width = x.shape
    heads = lambda part: part.reshape(B, T, module.num_heads, -1).transpose(1, 2)
    q, k, v = map(heads, F.linear(x, module.in_proj_weight, module.in_proj_bias).chunk(3, -1))
    scores = rotated(q) @ rotated(k).mT / math.sqrt(q.shape[-1])
    y = scores.masked_fill(~CAUSAL, -math.inf).softmax(-1) @ v
    return module.out_proj(y.transpose(1, 2).reshape(B, T, width))


def multi_head(module, x, memory=None, real=None, mask=None, causal=False):
    keys = x if memory is None else memory
    blocked = ~CAUSAL if causal else ~mask if mask is not None and mask.dtype == torch.bool else mask
    y, weights = module(x, keys, keys, key_padding_mask=None if real is None else ~real, attn_mask=blocked,
                        average_attn_weights=False)
    return dict(y=y, weights=weights)


def make():
    family = Family("attention")
    for score, (query, key) in {"dot": (3, 3), "scaled": (3, 3), "general": (3, 2), "additive": (3, 2),
                                "concat": (3, 2)}.items():
        family.case(score, Attention(score, query, key),
                    dict(queries=(2, 3, query), keys=(2, 4, key), values=(2, 4, 5), real=REAL), rate=0.02)

    def heads(width=4, bias=True):
        return nn.MultiheadAttention(width, 2, bias=bias, batch_first=True)

    family.case("multi-head", heads(), dict(x=(2, 4, 4)), multi_head, rate=0.01)
    family.case("multi-head without bias", heads(bias=False), dict(x=(2, 4, 4)), multi_head, rate=0.01)
    family.case("multi-head causal", heads(), dict(x=(2, 4, 4)), lambda m, x: multi_head(m, x, causal=True),
                rate=0.01)
    family.case("multi-head padded", heads(), dict(x=(2, 4, 4), real=REAL), multi_head, rate=0.01)
    family.case("multi-head causal and padded", heads(), dict(x=(2, 4, 4), real=REAL),
                lambda m, x, real: multi_head(m, x, real=real, causal=True), rate=0.01)
    family.case("multi-head across", heads(), dict(x=(2, 3, 4), memory=(2, 4, 4)), multi_head, rate=0.01)
    family.case("multi-head across, masked and padded", heads(),
                dict(x=(2, 3, 4), memory=(2, 4, 4), real=REAL, mask=SEEN), multi_head, rate=0.01)
    family.case("multi-head with added scores", heads(), dict(x=(2, 3, 4), memory=(2, 4, 4), mask=(3, 4)),
                multi_head, fixed=["mask"], rate=0.01)
    family.case("multi-head with rotary positions", heads(8), dict(x=(2, 4, 8)), with_rotary, rate=0.01)

    family.case("sinusoids", lambda x: x + sinusoids(9, 6)[2:], dict(x=(2, 7, 6)))
    places = torch.arange(2.0, 9)[:, None]
    family.case("index positions", lambda x: x + places, dict(x=(2, 7, 6)))
    family.case("normalised positions", lambda x: x + places / 8, dict(x=(2, 7, 6)))
    family.case("learned positions", nn.Embedding(9, 3), dict(x=(2, 4, 3)),
                lambda m, x: x + m(torch.arange(2, 6)))
    family.case("rotary", lambda x: rotated(x), dict(x=(2, 7, 6)))

    for norm in ("post", "pre"):
        def made(layer, activation):
            return layer(d_model=4, nhead=2, dim_feedforward=5, dropout=0, activation=activation,
                         batch_first=True, norm_first=norm == "pre")

        encoder, decoder = nn.TransformerEncoderLayer, nn.TransformerDecoderLayer
        for activation in ("relu", "gelu"):
            family.case(f"encoder layer {norm} {activation}", made(encoder, activation),
                        dict(x=(2, 4, 4), real=REAL),
                        lambda m, x, real: m(x, src_key_padding_mask=~real), rate=2e-3)
            family.case(f"decoder layer {norm} {activation}", made(decoder, activation),
                        dict(x=(2, 4, 4), memory=(2, 4, 4), real=REAL),
                        lambda m, x, memory, real:
                        m(x, memory, tgt_mask=~CAUSAL, memory_key_padding_mask=~real), rate=2e-3)
        family.case(f"encoder layer {norm} causal", made(encoder, "relu"),
                    dict(x=(2, 4, 4)), lambda m, x: m(x, src_mask=~CAUSAL), rate=2e-3)
    family.save()
