"""Encoders and decoders, step by step: what models/seq2seq.h does for whole sequences at once where it can. A
case's name says its cell, its context or score, how many layers it has and what becomes of two directions."""
import torch
from torch import nn

from attention import Attention
from pack import Family
from recurrent import sequence

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
VOCABULARY, WIDTH, HIDDEN = 5, 2, 3
LENGTHS = torch.tensor([2, 4, 1])
SOURCE = torch.tensor([[3, 1, 0, 0], [2, 4, 4, 1], [1, 0, 0, 0]])
INPUT = torch.tensor([[1, 4, 2], [1, 3, 0], [1, 2, 3]])


def network(cell, width, **options):
    """Under the cell's name, as the weights are named."""
    return nn.ModuleDict({cell: CELLS[cell](width, HIDDEN, batch_first=True, **options)})


class Seq2Seq(nn.Module):
    def __init__(self, cell, context, layers, directions):
        super().__init__()
        self.cell, self.context, self.layers, self.directions = cell, context, layers, directions
        seen = 2 * HIDDEN if directions == "concat" else HIDDEN
        self.source_embedding = nn.Embedding(VOCABULARY, WIDTH, padding_idx=0)
        self.target_embedding = nn.Embedding(VOCABULARY, WIDTH, padding_idx=0)
        self.encoder = network(cell, WIDTH, num_layers=layers, bidirectional=directions != "no")
        if directions == "concat":
            bridge = lambda: nn.ModuleList(nn.Linear(2 * HIDDEN, HIDDEN) for _ in range(layers))
            self.bridge_h = bridge()
            if cell == "lstm":
                self.bridge_c = bridge()
        if context not in ("start", "fixed"):
            self.attention = Attention(context, HIDDEN, seen, HIDDEN)
        more = {"start": 0, "fixed": HIDDEN}.get(context, seen)
        self.decoder = network(cell, WIDTH + more, num_layers=layers)
        self.head = nn.Linear(HIDDEN, VOCABULARY)

    def across(self, state, name):
        if self.directions == "no":
            return state
        pairs = [(state[2 * k], state[2 * k + 1]) for k in range(self.layers)]
        if self.directions == "sum":
            return torch.stack([ahead + back for ahead, back in pairs])
        bridge = getattr(self, "bridge_" + name)
        return torch.stack([torch.tanh(bridge[k](torch.cat(pair, -1))) for k, pair in enumerate(pairs)])

    def forward(self, source, lengths, input):
        seen = sequence(self.encoder[self.cell], self.source_embedding(source), lengths=lengths)
        values = seen["output"]
        if self.directions == "sum":
            ahead, back = values.chunk(2, -1)
            values = ahead + back
        state = [self.across(seen[name], name) for name in ("hc" if self.cell == "lstm" else "h")]
        real = torch.arange(source.shape[1]) < lengths[:, None]
        last, outputs, weights = state[0][-1], [], []
        for t in range(input.shape[1]):
            x = [self.target_embedding(input[:, t])]
            if self.context == "fixed":
                x.append(last)
            elif self.context != "start":
                found = self.attention(state[0][-1][:, None], values, values, real)
                x.append(found["y"][:, 0])
                weights.append(found["weights"])
            states = tuple(state) if self.cell == "lstm" else state[0]
            y, states = self.decoder[self.cell](torch.cat(x, -1)[:, None], states)
            state = list(states) if self.cell == "lstm" else [states]
            outputs.append(y)
        logits = self.head(torch.cat(outputs, 1))
        return dict(logits=logits, weights=torch.cat(weights, 1)) if weights else dict(logits=logits)


KINDS = (("start", 2, "concat"), ("fixed", 2, "no"), ("dot", 1, "no"), ("scaled", 1, "sum"),
         ("general", 1, "concat"), ("additive", 1, "concat"), ("concat", 1, "no"))
MORE = (("start", 1, "no"), ("fixed", 1, "concat"), ("additive", 2, "concat"))


def make():
    family = Family("models_seq2seq")
    for cell in CELLS:
        for context, layers, directions in KINDS + (MORE if cell == "gru" else ()):
            model = Seq2Seq(cell, context, layers, directions)
            family.case(f"{cell} {context} {layers} {directions}", model,
                        dict(source=SOURCE, lengths=LENGTHS, input=INPUT), rate=0.02)
    family.save()
