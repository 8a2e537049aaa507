"""ViT and ResNet. ViT's patches are cut out and multiplied, where the library convolves."""
import torch
from torch import nn
from torch.nn import functional as F

from pack import Family


class Position(nn.Module):
    def __init__(self, count, width):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(count, width))


class Vit(nn.Module):
    def __init__(self, size, channels, patch, classes, width, layers, heads, hidden):
        super().__init__()
        self.patch = nn.Conv2d(channels, width, patch, stride=patch)
        self.class_token = nn.Parameter(torch.zeros(width))
        self.position = Position(1 + (size // patch) ** 2, width)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, hidden, dropout=0, activation="gelu", batch_first=True,
                                       norm_first=True) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, pictures):
        patches = F.unfold(pictures, self.patch.kernel_size, stride=self.patch.stride).transpose(1, 2)
        x = patches @ self.patch.weight.flatten(1).t() + self.patch.bias
        x = torch.cat([self.class_token.repeat(len(x), 1, 1), x], 1) + self.position.weight
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x)[:, 0])


class Block(nn.Module):
    def __init__(self, size, out, stride, way_around):
        super().__init__()
        self.conv1 = nn.Conv2d(size, out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.stride, self.new, self.way_around = stride, out - size, way_around

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.way_around:
            y = y + F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, 0, self.new))
        return F.relu(y)


class Resnet(nn.Module):
    def __init__(self, channels, classes, stages, blocks, way_around):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, stages[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(stages[0])
        self.stages, size = [], stages[0]
        for i, out in enumerate(stages):
            list_of_blocks = []
            for k in range(blocks):
                list_of_blocks.append(Block(size, out, 2 if k == 0 and i > 0 else 1, way_around))
                size = out
            self.add_module(f"layer{i + 1}", nn.ModuleList(list_of_blocks))
            self.stages.append(list_of_blocks)
        self.fc = nn.Linear(size, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for stage in self.stages:
            for block in stage:
                x = block(x)
        return self.fc(x.mean((2, 3)))


def make():
    family = Family("models_vision")
    family.case("vit", Vit(6, 2, 3, 3, 4, 2, 2, 5), dict(pictures=(2, 2, 6, 6)), rate=0.01)
    family.case("resnet in training", Resnet(2, 3, [2, 3], 2, True), dict(pictures=(3, 2, 5, 4)), rate=0.01)
    family.case("resnet in evaluation", Resnet(1, 3, [2, 4], 1, True).eval(), dict(pictures=(2, 1, 4, 4)),
                rate=0.01)
    family.case("resnet without the way around", Resnet(1, 3, [2, 3], 1, False), dict(pictures=(3, 1, 4, 5)),
                rate=0.01)
    family.save()
