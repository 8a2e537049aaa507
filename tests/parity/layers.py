"""Layers without memory, and losses. Not in PyTorch 1.13, and so written as formulas: RMSNorm, hinge."""
import torch
from torch import nn
from torch.nn import functional as F

from pack import Family


def feed_forward(activation):
    net = nn.Module()
    net.linear1, net.linear2 = nn.Linear(3, 5), nn.Linear(5, 3)
    return net, lambda net, x: net.linear2(activation(net.linear1(x)))


class RMSNorm(nn.Module):
    def __init__(self, width, eps, affine=True):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width)) if affine else None
        self.eps = eps

    def forward(self, x):
        y = x / torch.sqrt((x * x).mean(-1, keepdim=True) + self.eps)
        return y * self.weight if self.weight is not None else y


def simple():
    family = Family("simple")
    family.case("linear", nn.Linear(3, 5), dict(x=(2, 4, 3)))
    family.case("linear without bias", nn.Linear(4, 3, bias=False), dict(x=(5, 4)))
    ids = torch.tensor([[1, 0, 4, 2], [4, 4, 1, 5]])
    family.case("embedding", nn.Embedding(6, 3), dict(ids=ids))
    family.case("embedding with padding", nn.Embedding(6, 3, padding_idx=1), dict(ids=ids))
    # As far out as the tails matter, and 0, where kinks are.
    x = torch.tensor([-40.0, -9.5, -6, -3.2, -1.1, -0.3, -1e-3, 0, 1e-3, 0.4, 1.3, 2.9, 6, 8.5, 40])
    for name, f in {"relu": F.relu, "leaky_relu": F.leaky_relu, "gelu": F.gelu, "silu": F.silu,
                    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "tanh": torch.tanh,
                    "sigmoid": torch.sigmoid, "softplus": lambda x: F.softplus(x, threshold=100)}.items():
        family.case(name, f, dict(x=x.clone()))
    family.case("softmax of the last axis", lambda x: x.softmax(-1), dict(x=(3, 5)), rate=0.5)
    family.case("softmax of the middle axis", lambda x: x.softmax(1), dict(x=(2, 4, 3)), rate=0.5)
    family.case("log_softmax", lambda x: x.log_softmax(-1), dict(x=(3, 5)))
    for name, f in {"relu": F.relu, "gelu": F.gelu}.items():
        net, call = feed_forward(f)
        family.case("feed-forward " + name, net, dict(x=(2, 4, 3)), call)
    # Dropout 0.4 in evaluation is no dropout.
    family.case("dropout in evaluation", nn.Dropout(0.4).eval(), dict(x=(3, 4)))
    residual = nn.Module()
    residual.f = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))
    family.case("residual", residual, dict(x=(5, 3)), lambda m, x: x + m.f(x), rate=0.02)
    family.save()


def norms():
    family = Family("norms")
    family.case("layer_norm", nn.LayerNorm(5, eps=1e-3), dict(x=(2, 3, 5)))
    family.case("layer_norm without affine", nn.LayerNorm(4, elementwise_affine=False), dict(x=(3, 4)))
    family.case("rms_norm", RMSNorm(5, 1e-3), dict(x=(2, 3, 5)))
    family.case("rms_norm without affine", RMSNorm(4, 1e-5, affine=False), dict(x=(3, 4)))
    for groups in (1, 2, 6):
        family.case(f"group_norm of {groups}", nn.GroupNorm(groups, 6, eps=1e-3), dict(x=(2, 6, 3)))
    family.case("group_norm of pictures", nn.GroupNorm(2, 4), dict(x=(2, 4, 3, 2)), rate=0.01)
    family.case("group_norm without affine", nn.GroupNorm(2, 4, affine=False), dict(x=(2, 4, 3)))
    for name, make, shape in (("1d", nn.BatchNorm1d, (5, 3)), ("1d of sequences", nn.BatchNorm1d, (2, 3, 5)),
                              ("2d", nn.BatchNorm2d, (2, 3, 3, 2)), ("3d", nn.BatchNorm3d, (2, 3, 2, 1, 3))):
        family.case(f"batch_norm {name} in training", make(3, eps=1e-3, momentum=0.3), dict(x=shape))
        family.case(f"batch_norm {name} in evaluation", make(3, eps=1e-3).eval(), dict(x=shape))
    family.case("batch_norm without affine", nn.BatchNorm1d(4, affine=False), dict(x=(5, 4)))
    family.save()


def convolutions():
    family = Family("convolutions")
    family.case("conv1d", nn.Conv1d(2, 3, 3), dict(x=(2, 2, 7)), rate=0.02)
    family.case("conv1d with options", nn.Conv1d(2, 3, 3, stride=2, padding=2, dilation=2, bias=False),
                dict(x=(2, 2, 8)), rate=0.02)
    family.case("conv2d", nn.Conv2d(2, 3, (3, 2)), dict(x=(2, 2, 5, 4)), rate=0.01)
    family.case("conv2d with options",
                nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), bias=False),
                dict(x=(2, 2, 5, 4)), rate=0.01)
    family.case("max_pool1d", nn.MaxPool1d(2), dict(x=(2, 2, 7)))
    family.case("max_pool1d with options", nn.MaxPool1d(3, stride=2, padding=1), dict(x=(2, 2, 7)))
    family.case("max_pool2d", nn.MaxPool2d(2), dict(x=(2, 2, 4, 5)))
    family.case("max_pool2d with options", nn.MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0)),
                dict(x=(2, 2, 5, 4)))
    family.case("avg_pool1d", nn.AvgPool1d(2), dict(x=(2, 2, 7)))
    family.case("avg_pool1d with options", nn.AvgPool1d(3, stride=2, padding=1), dict(x=(2, 2, 7)))
    family.case("avg_pool2d", nn.AvgPool2d(2), dict(x=(2, 2, 4, 5)))
    family.case("avg_pool2d with options", nn.AvgPool2d((3, 2), stride=(2, 1), padding=(1, 0)),
                dict(x=(2, 2, 5, 4)))
    family.case("flatten", nn.Flatten(), dict(x=(2, 3, 2, 2)))
    family.save()


def losses():
    family = Family("losses")
    weights, pos_weight = torch.tensor([0.5, 1.5, 0.25, 2]), torch.tensor([0.5, 3, 1.25])
    targets, tokens = torch.tensor([3, 0, 2, 2, 1]), torch.tensor([[1, 3, -100], [0, -100, 2]])
    labels = torch.tensor([1.0, -1, -1, 1, 1])

    def classes(f, **options):  # PyTorch wants the classes in the second axis
        return lambda x, t: f(x.movedim(-1, 1), t, **options)

    for name, f, prepare in (("cross_entropy", F.cross_entropy, lambda f: f),
                             ("nll", F.nll_loss, lambda f: lambda x, t: f(x.log_softmax(-1), t))):
        def add(suffix, inputs, **options):
            family.case(name + suffix, prepare(classes(f, **options)), inputs, rate=0.1)

        add("", dict(x=(5, 4), t=targets))
        add(" of tokens", dict(x=(2, 3, 4), t=tokens))
        add(" summed", dict(x=(5, 4), t=targets), reduction="sum")
        add(" of each", dict(x=(2, 3, 4), t=tokens), reduction="none")
        add(" of weighted classes", dict(x=(5, 4), t=targets), weight=weights)
        add(" ignoring 2", dict(x=(5, 4), t=targets), ignore_index=2)
        if name == "cross_entropy":
            add(" smoothed", dict(x=(2, 3, 4), t=tokens), label_smoothing=0.2)
            add(" smoothed and weighted", dict(x=(5, 4), t=targets), label_smoothing=0.2, weight=weights)

    for reduction, rate in ("mean", 0.2), ("sum", 1e-3), ("none", 0.02):
        def add(name, f, inputs, fixed=()):
            family.case(f"{name}, {reduction}", lambda *x: f(*x, reduction=reduction), inputs, fixed=fixed,
                        rate=rate)

        def reduced(x, reduction):
            return {"mean": x.mean, "sum": x.sum, "none": lambda: x}[reduction]()

        add("mse", F.mse_loss, dict(x=(3, 4), t=(3, 4)))
        add("mae", F.l1_loss, dict(x=(3, 4), t=(3, 4)))
        add("huber", lambda x, t, **r: F.huber_loss(x, t, delta=0.7, **r), dict(x=(3, 4), t=(3, 4)))
        truth = torch.tensor([[0, 1, 0.3], [1, 0, 0.9], [0, 0, 1]])
        add("bce", F.binary_cross_entropy_with_logits, dict(x=(3, 3), t=truth), ["t"])
        add("bce with pos_weight",
            lambda x, t, **r: F.binary_cross_entropy_with_logits(x, t, pos_weight=pos_weight, **r),
            dict(x=(3, 3), t=truth), ["t"])
        add("hinge", lambda x, t, reduction: reduced((1 - t * x).clamp(min=0), reduction),
            dict(x=(5,), t=labels), ["t"])
        # Ours sums over the classes also where nothing is reduced, and its mean is PyTorch's "batchmean".
        add("kl", lambda x, p, reduction:
            F.kl_div(x.log_softmax(-1), p.softmax(-1), reduction="none").sum(-1) if reduction == "none" else
            F.kl_div(x.log_softmax(-1), p.softmax(-1), reduction={"mean": "batchmean"}.get(reduction, "sum")),
            dict(x=(3, 4), p=(3, 4)))
        add("cosine", lambda a, b, t, **r: F.cosine_embedding_loss(a, b, t, margin=-0.6, **r),
            dict(a=(5, 3), b=(5, 3), t=labels), ["t"])
    family.save()


def make():
    simple()
    norms()
    convolutions()
    losses()
