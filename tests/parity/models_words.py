"""word2vec and ELMo."""
import torch
from torch import nn
from torch.nn import functional as F

from pack import Family


class Word2Vec(nn.Module):
    def __init__(self, vocabulary, width):
        super().__init__()
        self.input = nn.EmbeddingBag(vocabulary, width, mode="mean")
        self.output = nn.Embedding(vocabulary, width)

    def forward(self, known, target, negatives=None):
        """`known`: a list of lists of words."""
        ends = torch.tensor([len(row) for row in known]).cumsum(0)
        begins = torch.cat([torch.zeros(1, dtype=torch.int64), ends[:-1]])
        h = self.input(torch.tensor(sum(known, [])), begins)
        if negatives is None:
            return F.cross_entropy(h @ self.output.weight.T, target)
        words = torch.cat([target[:, None], negatives], 1)
        scores = torch.einsum("bnw,bw->bn", self.output(words), h)
        truth = torch.zeros_like(scores)
        truth[:, 0] = 1
        return F.binary_cross_entropy_with_logits(scores, truth, reduction="sum") / len(known)


class Elmo(nn.Module):
    """The way back is the way ahead through a row that is turned round."""

    def __init__(self, vocabulary, width, layers):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        lstms = lambda: nn.ModuleList([nn.LSTM(width, width, batch_first=True) for _ in range(layers)])
        self.forward_layers = lstms()
        self.backward_layers = lstms()
        self.head = nn.Linear(width, vocabulary)

    def row(self, ids):
        """Of one row (T,): the states of each layer, ahead and back."""
        ahead, back = [self.embedding(ids)], [self.embedding(ids)]
        for layer in self.forward_layers:
            ahead.append(layer(ahead[-1][None])[0][0])
        for layer in self.backward_layers:
            back.append(layer(back[-1].flip(0)[None])[0][0].flip(0))
        return ahead, back

    def forward(self, ids, lengths):
        losses, features = [], []
        for row, length in zip(ids, lengths.tolist()):
            ahead, back = self.row(row[:length])
            losses.append(F.cross_entropy(self.head(ahead[-1][:-1]), row[1:length], reduction="none"))
            losses.append(F.cross_entropy(self.head(back[-1][1:]), row[:length - 1], reduction="none"))
            layers = torch.stack([torch.cat(both, 1) for both in zip(ahead, back)])
            features.append(F.pad(layers, (0, 0, 0, len(row) - length)))
        layers = torch.stack(features, 1)
        return dict(loss=torch.cat(losses).mean(), **{f"layer{j}": h for j, h in enumerate(layers)})


class LayerMix(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(layers))
        self.gamma = nn.Parameter(torch.ones(()))

    def forward(self, *layers):
        shares = self.scores.softmax(0)
        return self.gamma * sum(share * h for share, h in zip(shares, layers))


def make():
    family = Family("models_words")
    known = [[1, 2, 2, 5], [3], [5, 1]]
    target, negatives = torch.tensor([4, 5, 4]), torch.tensor([[1, 1, 3], [6, 2, 4], [2, 6, 5]])
    family.case("word2vec by negative sampling", Word2Vec(7, 3), dict(target=target, negatives=negatives),
                lambda f, target, negatives: f(known, target, negatives))
    family.case("word2vec by softmax", Word2Vec(7, 3), dict(target=target),
                lambda f, target: f(known, target))
    ids = torch.tensor([[3, 1, 4, 1, 5], [2, 0, 6, 6, 6], [5, 6, 6, 6, 6]])
    for layers in (1, 2):
        family.case(f"elmo of {layers}", Elmo(7, 3, layers), dict(ids=ids, lengths=torch.tensor([5, 3, 1])))
    family.case("layer mix", LayerMix(3), {f"h{j}": (2, 4, 6) for j in range(3)}, rate=0.01)
    family.save()
