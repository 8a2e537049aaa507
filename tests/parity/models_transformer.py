"""The Transformer of torch.nn's layers, embeddings and a head around them. A case's name says where its norms
are, what its matrices serve as and how places are told. And one that writes all words at once."""
import math

import torch
from torch import nn

from attention import sinusoids
from pack import Family

VOCABULARY, WIDTH, HEADS, HIDDEN, LONGEST = 7, 4, 2, 5, 6
LENGTHS = torch.tensor([2, 4, 1])
SOURCE = torch.tensor([[3, 1, 0, 0], [2, 4, 6, 1], [5, 0, 0, 0]])
INPUT = torch.tensor([[1, 4, 2], [1, 3, 0], [1, 2, 6]])
LATER = ~torch.ones(3, 3, dtype=torch.bool).tril()


class Positions(nn.Module):
    def __init__(self, kind):
        super().__init__()
        if kind == "learned":
            self.weight = nn.Parameter(torch.zeros(LONGEST, WIDTH))
        self.kind = kind

    def forward(self, x):
        table = self.weight if self.kind == "learned" else sinusoids(LONGEST, WIDTH)
        return x + table[:x.shape[1]]


class Transformer(nn.Module):
    def __init__(self, norm, shared, positions):
        super().__init__()
        embedding = lambda: nn.Embedding(VOCABULARY, WIDTH, padding_idx=0)
        layers = lambda kind, count: nn.ModuleList(
            kind(WIDTH, HEADS, HIDDEN, dropout=0, batch_first=True, norm_first=norm == "pre")
            for _ in range(count))
        self.source_embedding, self.target_embedding = embedding(), embedding()
        self.source_position, self.target_position = Positions(positions), Positions(positions)
        self.encoder = layers(nn.TransformerEncoderLayer, 2)
        self.decoder = layers(nn.TransformerDecoderLayer, 2)
        if norm == "pre":
            self.encoder_norm, self.decoder_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.norm, self.shared = norm, shared

    def forward(self, source, lengths, input):
        # One matrix in several places: its gradient is the sum of theirs.
        target = self.target_embedding if self.shared != "all" else self.source_embedding
        matrix = self.head.weight if self.shared == "none" else target.weight
        scale, hidden = math.sqrt(WIDTH), torch.arange(source.shape[1]) >= lengths[:, None]
        memory = self.source_position(self.source_embedding(source) * scale)
        for layer in self.encoder:
            memory = layer(memory, src_key_padding_mask=hidden)
        memory = self.encoder_norm(memory) if self.norm == "pre" else memory
        x = self.target_position(target(input) * scale)
        for layer in self.decoder:
            x = layer(x, memory, tgt_mask=LATER, memory_key_padding_mask=hidden)
        x = self.decoder_norm(x) if self.norm == "pre" else x
        return dict(memory=memory, logits=x @ matrix.T)


class Parallel(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.transformer, self.length = Transformer(norm, "target", "sinusoidal"), nn.Linear(WIDTH, LONGEST)
        del self.transformer.head

    def forward(self, source, lengths, wanted):
        t, hidden = self.transformer, torch.arange(source.shape[1]) >= lengths[:, None]
        memory = t.source_position(t.source_embedding(source) * math.sqrt(WIDTH))
        for layer in t.encoder:
            memory = layer(memory, src_key_padding_mask=hidden)
        memory = t.encoder_norm(memory) if t.norm == "pre" else memory
        mean = torch.stack([row[:count].mean(0) for row, count in zip(memory, lengths)])
        logits = []
        for row, count in enumerate(wanted):  # each sentence by itself, without its padding
            words, seen = source[row, :lengths[row]], memory[row:row + 1, :lengths[row]]
            copied = torch.stack([words[place * len(words) // count] for place in range(count)])
            x = t.target_position(t.source_embedding(copied[None]) * math.sqrt(WIDTH))
            for layer in t.decoder:
                x = layer(x, seen)
            x = t.decoder_norm(x) if t.norm == "pre" else x
            logits.append((x @ t.target_embedding.weight.T)[0])
        return dict(logits=torch.cat(logits), lengths=self.length(mean))


def make():
    family = Family("models_transformer")
    for norm in ("pre", "post"):
        for shared, positions in (("none", "sinusoidal"), ("target", "sinusoidal"), ("all", "learned")):
            model = Transformer(norm, shared, positions)
            # What is shared is under its first name alone.
            if shared != "none":
                del model.head
            if shared == "all":
                del model.target_embedding
            family.case(f"{norm} {shared} {positions}", model,
                        dict(source=SOURCE, lengths=LENGTHS, input=INPUT), rate=0.005)
        family.case(f"parallel {norm}", Parallel(norm),
                    dict(source=SOURCE, lengths=LENGTHS, wanted=torch.tensor([5, 3, 1])), rate=0.005)
    family.save()
