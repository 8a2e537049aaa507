"""A small GPT-2 under the names and in the layouts of Hugging Face's transformers, with random weights.

golden/hugging_face_gpt2/ is its folder, the weights in f32; golden/hugging_face_gpt2.safetensors what it gives
in f64 of these weights: `logits`, `hidden/k` behind the embeddings (k = 0) and each block, the last one normed,
and below `grad/` the gradients of sum(weight_of * logits).
"""
import json
import math
import os

import torch
from torch import nn

from pack import HERE, Chance, Family

NAME = "hugging_face_gpt2"
CONFIG = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 64, "n_positions": 16,
          "n_embd": 12, "n_layer": 2, "n_head": 3, "n_inner": None, "activation_function": "gelu_new",
          "layer_norm_epsilon": 1e-5, "resid_pdrop": 0.1, "embd_pdrop": 0.1, "attn_pdrop": 0.1}
WIDTH, HEADS = CONFIG["n_embd"], CONFIG["n_head"]


class Conv1D(nn.Module):
    def __init__(self, fan_in, fan_out):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(fan_in, fan_out))
        self.bias = nn.Parameter(torch.empty(fan_out))

    def forward(self, x):
        return x @ self.weight + self.bias


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.c_attn, self.c_proj = Conv1D(WIDTH, 3 * WIDTH), Conv1D(WIDTH, WIDTH)

    def forward(self, x):
        batch, size, _ = x.shape
        q, k, v = (part.view(batch, size, HEADS, -1).permute(0, 2, 1, 3)
                   for part in self.c_attn(x).split(WIDTH, 2))
        scores = q @ k.transpose(2, 3) / math.sqrt(WIDTH // HEADS)
        later = torch.ones(size, size, dtype=torch.bool).triu(1)
        seen = torch.softmax(scores.masked_fill(later, -math.inf), -1) @ v
        return self.c_proj(seen.permute(0, 2, 1, 3).reshape(batch, size, WIDTH))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.c_fc, self.c_proj = Conv1D(WIDTH, 4 * WIDTH), Conv1D(4 * WIDTH, WIDTH)

    def forward(self, x):
        h = self.c_fc(x)
        return self.c_proj(0.5 * h * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h ** 3))))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH, eps=1e-5), nn.LayerNorm(WIDTH, eps=1e-5)
        self.attn, self.mlp = Attention(), Mlp()

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(CONFIG["vocab_size"], WIDTH)
        self.wpe = nn.Embedding(CONFIG["n_positions"], WIDTH)
        self.h = nn.ModuleList(Block() for _ in range(CONFIG["n_layer"]))
        self.ln_f = nn.LayerNorm(WIDTH, eps=1e-5)

    def forward(self, ids):
        hidden = [self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))]
        for block in self.h:
            hidden.append(block(hidden[-1]))
        return hidden[:-1] + [self.ln_f(hidden[-1])]


def make():
    model = nn.ModuleDict({"transformer": Transformer()})
    chance = Chance(NAME)
    chance.fill(model)
    folder = os.path.join(HERE, "golden", NAME)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as out:
        json.dump(CONFIG, out, indent=2)
        out.write("\n")
    weights = Family(NAME + "/model")
    with torch.no_grad():
        for name, x in model.named_parameters():
            weights.put(name, x.float())
            x.copy_(x.float().double())
    weights.save()

    expected = Family(NAME)
    ids = torch.tensor([[5, 63, 0, 17, 17, 30, 2], [41, 8, 9, 10, 3, 55, 1]])
    hidden = model["transformer"](ids)
    logits = hidden[-1] @ model["transformer"].wte.weight.T
    c = chance.normal(*logits.shape)
    gradients = torch.autograd.grad((c * logits).sum(), list(model.parameters()))
    for name, x in {"ids": ids, "logits": logits, "weight_of": c,
                    **{f"hidden/{k}": x for k, x in enumerate(hidden)},
                    **{"grad/" + name: x for (name, _), x in zip(model.named_parameters(), gradients)}}.items():
        expected.put(name, x)
    expected.save()
