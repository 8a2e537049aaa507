"""A small BERT under the names of Hugging Face's transformers, with random weights.

golden/hugging_face_bert/ is its folder, the weights in f32; golden/hugging_face_bert.safetensors what it gives
in f64 of these weights: `mlm` and `nsp` logits, `pooled`, `hidden/k` behind the embeddings (k = 0) and each
layer, and below `grad/` the gradients of sum(weight_of_mlm * mlm) + sum(weight_of_nsp * nsp).
"""
import json
import math
import os

import torch
from torch import nn

from pack import HERE, Chance, Family

NAME = "hugging_face_bert"
CONFIG = {"model_type": "bert", "architectures": ["BertForPreTraining"], "vocab_size": 40,
          "max_position_embeddings": 8, "type_vocab_size": 2, "hidden_size": 12, "num_hidden_layers": 2,
          "num_attention_heads": 3, "intermediate_size": 20, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
          "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "pad_token_id": 0}
WIDTH, HEADS, BETWEEN = CONFIG["hidden_size"], CONFIG["num_attention_heads"], CONFIG["intermediate_size"]


def named(**modules):
    return nn.ModuleDict(modules)


def norm():
    return nn.LayerNorm(WIDTH, eps=CONFIG["layer_norm_eps"])


def gelu(x):
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        linear = lambda: nn.Linear(WIDTH, WIDTH)
        self.attention = nn.ModuleDict({"self": named(query=linear(), key=linear(), value=linear()),
                                        "output": named(dense=linear(), LayerNorm=norm())})
        self.intermediate = named(dense=nn.Linear(WIDTH, BETWEEN))
        self.output = named(dense=nn.Linear(BETWEEN, WIDTH), LayerNorm=norm())

    def forward(self, x, real):
        size = WIDTH // HEADS
        seen = []
        for head in range(HEADS):
            q, k, v = (self.attention["self"][name](x)[..., head * size:(head + 1) * size]
                       for name in ("query", "key", "value"))
            scores = torch.einsum("btd,bsd->bts", q, k) / math.sqrt(size)
            weights = torch.softmax(scores.masked_fill(~real[:, None], -math.inf), -1)
            seen.append(torch.einsum("bts,bsd->btd", weights, v))
        behind = self.attention["output"]
        x = behind["LayerNorm"](x + behind["dense"](torch.cat(seen, -1)))
        return self.output["LayerNorm"](x + self.output["dense"](gelu(self.intermediate["dense"](x))))


class Bert(nn.Module):
    def __init__(self):
        super().__init__()
        count = lambda name, padding=None: nn.Embedding(CONFIG[name], WIDTH, padding)
        self.embeddings = named(word_embeddings=count("vocab_size", CONFIG["pad_token_id"]),
                                position_embeddings=count("max_position_embeddings"),
                                token_type_embeddings=count("type_vocab_size"), LayerNorm=norm())
        self.encoder = named(layer=nn.ModuleList(Layer() for _ in range(CONFIG["num_hidden_layers"])))
        self.pooler = named(dense=nn.Linear(WIDTH, WIDTH))

    def forward(self, ids, segments, real):
        e = self.embeddings
        x = e["word_embeddings"](ids) + e["token_type_embeddings"](segments)
        hidden = [e["LayerNorm"](x + e["position_embeddings"](torch.arange(ids.shape[1])))]
        for layer in self.encoder["layer"]:
            hidden.append(layer(hidden[-1], real))
        return hidden, torch.tanh(self.pooler["dense"](hidden[-1][:, 0]))


class Predictions(nn.Module):
    def __init__(self):
        super().__init__()
        self.transform = named(dense=nn.Linear(WIDTH, WIDTH), LayerNorm=norm())
        self.bias = nn.Parameter(torch.zeros(CONFIG["vocab_size"]))

    def forward(self, x, embedding):
        return self.transform["LayerNorm"](gelu(self.transform["dense"](x))) @ embedding.T + self.bias


def make():
    model = named(bert=Bert(), cls=named(predictions=Predictions(), seq_relationship=nn.Linear(WIDTH, 2)))
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
    text = dict(ids=torch.tensor([[5, 39, 11, 17, 17, 30, 2], [4, 8, 9, 10, 3, 0, 0]]),
                segments=torch.tensor([[0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 0, 0]]),
                mask=torch.tensor([[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0, 0]]).bool())
    hidden, pooled = model["bert"](*text.values())
    mlm = model["cls"]["predictions"](hidden[-1], model["bert"].embeddings["word_embeddings"].weight)
    nsp = model["cls"]["seq_relationship"](pooled)
    of_mlm, of_nsp = chance.normal(*mlm.shape), chance.normal(*nsp.shape)
    gradients = torch.autograd.grad((of_mlm * mlm).sum() + (of_nsp * nsp).sum(), list(model.parameters()))
    for name, x in {**text, "mlm": mlm, "nsp": nsp, "pooled": pooled, "weight_of_mlm": of_mlm,
                    "weight_of_nsp": of_nsp, **{f"hidden/{k}": x for k, x in enumerate(hidden)},
                    **{"grad/" + name: x for (name, _), x in zip(model.named_parameters(), gradients)}}.items():
        expected.put(name, x)
    expected.save()
