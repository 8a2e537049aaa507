"""Recurrent cells and sequences. Rows have T steps, of which `lengths` are real."""
import torch
from torch import nn
from torch.nn.utils import rnn as packing

from pack import Family

KINDS = {"rnn": (nn.RNNCell, nn.RNN, {}), "rnn of relu": (nn.RNNCell, nn.RNN, {"nonlinearity": "relu"}),
         "lstm": (nn.LSTMCell, nn.LSTM, {}), "gru": (nn.GRUCell, nn.GRU, {})}


def cell(module, x, h=None, c=None):
    state = h if c is None else (h, c)
    out = module(x, state)
    return dict(zip("hc", out)) if isinstance(out, tuple) else dict(h=out)


def sequence(module, x, h0=None, c0=None, lengths=None):
    state = h0 if c0 is None else (h0, c0)
    if lengths is None:
        output, last = module(x, state)
    else:
        packed = packing.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        packed, last = module(packed, state)
        output, _ = packing.pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
    return dict(output=output, **(dict(zip("hc", last)) if isinstance(last, tuple) else dict(h=last)))


def summed(module, x):
    out = sequence(module, x)
    ahead, back = out["output"].chunk(2, -1)
    return {**out, "output": ahead + back}


def make():
    family = Family("recurrent")
    lengths = torch.tensor([3, 5, 1])
    for kind, (cell_type, layer_type, options) in KINDS.items():
        def states(names, *shape):
            return {name: shape for name in (names if kind == "lstm" else names[:1])}

        family.case(kind + " cell", cell_type(2, 3, **options),
                    dict(x=(2, 2), **states(["h", "c"], 2, 3)), cell)
        family.case(kind + " cell without bias and state", cell_type(2, 3, bias=False, **options),
                    dict(x=(2, 2)), cell)
        for name, size, inputs in (
                ("", {}, dict(x=(2, 5, 2))),
                (" of two layers", dict(num_layers=2), dict(x=(2, 4, 2), **states(["h0", "c0"], 2, 2, 3))),
                (" without bias", dict(bias=False), dict(x=(2, 4, 2), **states(["h0", "c0"], 1, 2, 3))),
                (" of lengths", {}, dict(x=(3, 5, 2), **states(["h0", "c0"], 1, 3, 3), lengths=lengths)),
                (" of both directions", dict(num_layers=2, bidirectional=True),
                 dict(x=(3, 5, 2), **states(["h0", "c0"], 4, 3, 3), lengths=lengths))):
            module = layer_type(2, 3, batch_first=True, **size, **options)
            family.case(kind + name, module, inputs, sequence, rate=0.01)
        both = layer_type(2, 3, batch_first=True, bidirectional=True, **options)
        family.case(kind + " of both directions summed", both, dict(x=(2, 4, 2)), summed, rate=0.01)
    family.save()
