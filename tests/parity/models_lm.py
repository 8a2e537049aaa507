"""The recurrent language model and the shapes of recurrent use. Of a row's steps, `lengths` are real."""
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import rnn as packing

from pack import Family

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Recurrent(nn.Module):
    def __init__(self, kind, *sizes, **options):
        super().__init__()
        setattr(self, kind, CELLS[kind](*sizes, batch_first=True, **options))
        self.kind = kind

    def forward(self, x, state=None, lengths=None):
        net = getattr(self, self.kind)
        if lengths is not None:
            x = packing.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        output, state = net(x, state)
        if lengths is not None:
            output, _ = packing.pad_packed_sequence(output, batch_first=True)
        return output, state


class Bias(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(size))


class LanguageModel(nn.Module):
    def __init__(self, kind, vocabulary, width, hidden, layers, tied=False):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.recurrent = Recurrent(kind, width, hidden, layers)
        self.head = Bias(vocabulary) if tied else nn.Linear(hidden, vocabulary)

    def forward(self, ids, h0=None, c0=None):
        output, state = self.recurrent(self.embedding(ids), h0 if c0 is None else (h0, c0))
        matrix = getattr(self.head, "weight", self.embedding.weight)
        return F.linear(output, matrix, self.head.bias), state


def words(model, ids, h0=None, c0=None):
    logits, state = model(ids, h0, c0)
    h, c = state if isinstance(state, tuple) else (state, None)
    return {"logits": logits, "h": h, **({} if c is None else {"c": c})}


class OneToOne(nn.Module):
    def __init__(self, kind, size, hidden, out):
        super().__init__()
        self.recurrent = Recurrent(kind, size, hidden)
        self.head = nn.Linear(hidden, out)

    def forward(self, x):
        return self.head(self.recurrent(x[:, None])[0][:, 0])


class Reader(nn.Module):
    def __init__(self, kind, size, hidden, out, layers, vocabulary=None, both=False):
        super().__init__()
        if vocabulary:
            self.embedding = nn.Embedding(vocabulary, size)
        self.recurrent = Recurrent(kind, size, hidden, layers, bidirectional=both)
        self.head = nn.Linear(hidden * (2 if both else 1), out)

    def outputs(self, x, lengths):
        return self.recurrent(self.embedding(x) if hasattr(self, "embedding") else x, None, lengths)[0]


class ManyToOne(Reader):
    """Reads each row's own last output ahead, and the first one of the way back."""

    def forward(self, x, lengths):
        output = self.outputs(x, lengths)
        last = output[torch.arange(len(lengths)), lengths - 1]
        if getattr(self.recurrent, self.recurrent.kind).bidirectional:
            half = last.shape[1] // 2
            last = torch.cat([last[:, :half], output[:, 0, half:]], 1)
        return self.head(last)


class ManyToMany(Reader):
    def forward(self, x, lengths):
        return self.head(self.outputs(x, lengths))


class OneToMany(nn.Module):
    def __init__(self, kind, labels, vocabulary, width, hidden, layers):
        super().__init__()
        self.label = nn.Embedding(labels, layers * hidden)
        self.lm = LanguageModel(kind, vocabulary, width, hidden, layers)
        self.size = layers, hidden

    def forward(self, labels, ids):
        h0 = torch.stack(self.label(labels).split(self.size[1], 1))
        return self.lm(ids, h0, torch.zeros_like(h0) if "lstm" in self.lm.recurrent.kind else None)[0]


def make():
    family = Family("models_lm")
    ids = torch.tensor([[4, 1, 1, 0], [2, 3, 4, 2]])
    padded, lengths = torch.tensor([[1, 3, 0, 0], [2, 2, 4, 1], [4, 0, 0, 0]]), torch.tensor([2, 4, 1])
    for kind in CELLS:
        states = {name: (2, 2, 3) for name in (["h0", "c0"] if kind == "lstm" else ["h0"])}
        family.case(kind + " language model", LanguageModel(kind, 5, 2, 3, 1), dict(ids=ids), words,
                    rate=0.02)
        family.case(kind + " language model from a state", LanguageModel(kind, 5, 2, 3, 2),
                    dict(ids=ids, **states), words, rate=0.02)
        family.case(kind + " language model tied", LanguageModel(kind, 5, 3, 3, 1, tied=True), dict(ids=ids),
                    words, rate=0.02)
        family.case(kind + " one to one", OneToOne(kind, 2, 3, 2), dict(x=(3, 2)))
        family.case(kind + " many to one", ManyToOne(kind, 2, 3, 2, 1), dict(x=(3, 4, 2), lengths=lengths))
        family.case(kind + " many to one of ids", ManyToOne(kind, 2, 3, 2, 2, vocabulary=5, both=True),
                    dict(x=padded, lengths=lengths))
        family.case(kind + " many to many", ManyToMany(kind, 2, 3, 2, 1), dict(x=(3, 4, 2), lengths=lengths),
                    rate=0.02)
        family.case(kind + " many to many of ids", ManyToMany(kind, 2, 3, 2, 2, vocabulary=5, both=True),
                    dict(x=padded, lengths=lengths), rate=0.02)
        family.case(kind + " one to many", OneToMany(kind, 3, 5, 2, 3, 2),
                    dict(labels=torch.tensor([2, 0]), ids=ids), rate=0.02)
    family.save()
