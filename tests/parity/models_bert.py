"""BERT, its pre-training and the heads of its tasks. The layers are PyTorch's own."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from pack import Family

VOCABULARY, CONTEXT, WIDTH, HEADS, HIDDEN = 7, 5, 4, 2, 6
IDS = torch.tensor([[2, 4, 3, 5, 6], [2, 6, 3, 0, 0]])
SEGMENTS = torch.tensor([[0, 0, 0, 1, 1], [0, 0, 0, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]).bool()
TEXT = dict(ids=IDS, segments=SEGMENTS, mask=MASK)


class Bert(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.word = nn.Embedding(VOCABULARY, WIDTH, padding_idx=0)
        self.position = nn.Embedding(CONTEXT, WIDTH)
        self.segment = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList([
            nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, dropout=0, activation="gelu",
                                       layer_norm_eps=1e-12, batch_first=True) for _ in range(layers)])
        self.pooler = nn.Linear(WIDTH, WIDTH)

    def states(self, ids, segments, mask):
        places = torch.arange(ids.shape[1]).expand(ids.shape)
        states = [self.norm(self.word(ids) + self.position(places) + self.segment(segments))]
        for layer in self.layers:
            states.append(layer(states[-1], src_key_padding_mask=~mask))
        return states

    def forward(self, ids, segments, mask):
        tokens = self.states(ids, segments, mask)[-1]
        return tokens, torch.tanh(self.pooler(tokens[:, 0]))


def encoder(model, **text):
    return dict(zip(("tokens", "pooled"), model(**text)))


class Bias(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(size))


class Pretraining(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.bert = Bert(layers)
        self.transform = nn.Linear(WIDTH, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.decoder = Bias(VOCABULARY)
        self.next = nn.Linear(WIDTH, 2)

    def forward(self, ids, segments, mask, labels, is_random):
        """The logits of every token; of the loss those alone count that have a label."""
        tokens, pooled = self.bert(ids, segments, mask)
        mlm = F.linear(self.norm(F.gelu(self.transform(tokens))), self.bert.word.weight, self.decoder.bias)
        nsp = self.next(pooled)
        loss = F.cross_entropy(mlm.flatten(0, 1), labels.flatten()) + F.cross_entropy(nsp, is_random)
        return dict(mlm=mlm, nsp=nsp, loss=loss)


class Task(nn.Module):
    def __init__(self, head, outputs):
        super().__init__()
        self.bert = Bert(1)
        self.head = nn.Linear(WIDTH, outputs)
        self.kind = head

    def forward(self, labels, **text):
        shape = text["ids"].shape
        tokens, pooled = self.bert(**{name: x.view(-1, shape[-1]) for name, x in text.items()})
        if self.kind == "span":
            logits = self.head(tokens).mT.masked_fill(~text["mask"][:, None], -math.inf)
            starts, ends = logits.unbind(1)
            logits = logits.masked_fill(~text["mask"][:, None], 0)  # infinities have no place in the file
            loss = (F.cross_entropy(starts, labels[:, 0]) + F.cross_entropy(ends, labels[:, 1])) / 2
        else:
            logits = self.head(tokens if self.kind == "tags" else pooled)
            if self.kind == "choice":
                logits = logits.view(shape[:2])
            if labels.is_floating_point():
                loss = ((logits[:, 0] - labels) ** 2).mean()
            else:
                loss = F.cross_entropy(logits.flatten(0, -2), labels.flatten())
        return dict(pooled=pooled, logits=logits, loss=loss)


def make():
    family = Family("models_bert")
    call = lambda model, **inputs: model(**inputs)
    family.case("bert", Bert(2), TEXT, encoder, rate=0.005)
    labels = torch.tensor([[-100, 1, -100, 6, -100], [-100, 4, -100, -100, -100]])
    family.case("pretraining", Pretraining(2), dict(TEXT, labels=labels, is_random=torch.tensor([1, 0])),
                call, rate=0.002)
    family.case("text", Task("text", 3), dict(TEXT, labels=torch.tensor([2, 0])), call)
    family.case("number", Task("text", 1), dict(TEXT, labels=torch.tensor([1.5, -0.5])), call,
                fixed=["labels"], rate=0.01)
    pair = {name: torch.stack([x, x.roll(1, 0)]) for name, x in TEXT.items()}
    family.case("choice", Task("choice", 1), dict(pair, labels=torch.tensor([1, 0])), call)
    family.case("span", Task("span", 2), dict(TEXT, labels=torch.tensor([[3, 4], [1, 2]])), call, rate=0.01)
    tags = torch.tensor([[-100, 1, -100, 2, 0], [-100, 2, -100, -100, -100]])
    family.case("tags", Task("tags", 3), dict(TEXT, labels=tags), call, rate=0.01)
    family.save()
