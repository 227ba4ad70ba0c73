"""The networks of the engine's benchmark in PyTorch, with what each training step needs."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def mlp():
    sizes = [784, 512, 256, 128, 64, 10]
    layers = []
    for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        layers += [nn.Linear(inputs, outputs)] + ([nn.ReLU()] if i < len(sizes) - 2 else [])
    return nn.Sequential(*layers)


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


def resnet18(classes=10):
    """He et al. 2015 in the form for CIFAR: a 3x3 stem of stride 1 and no pooling after it."""
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
    width = 64
    for stage, outputs in enumerate((64, 128, 256, 512)):
        for block in range(2):
            layers.append(BasicBlock(width, outputs, 2 if stage > 0 and block == 0 else 1))
            width = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


class Conv2dSame(nn.Conv2d):
    """TensorFlow's padding: as much as the size needs, the odd pixel at the bottom and at the right."""

    def forward(self, x):
        (k, _), (s, _) = self.kernel_size, self.stride
        height, width = ((math.ceil(n / s) - 1) * s + k - n for n in x.shape[2:])
        height, width = max(height, 0), max(width, 0)
        padded = F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
        return F.conv2d(padded, self.weight, self.bias, self.stride, 0, 1, self.groups)


def conv(inputs, outputs, kernel, stride=1, groups=1):
    if stride > 1:
        return Conv2dSame(inputs, outputs, kernel, stride, groups=groups, bias=False)
    return nn.Conv2d(inputs, outputs, kernel, 1, kernel // 2, groups=groups, bias=False)


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3)


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduced):
        super().__init__()
        self.conv_reduce = nn.Conv2d(channels, reduced, 1)
        self.conv_expand = nn.Conv2d(reduced, channels, 1)

    def forward(self, x):
        gate = self.conv_expand(F.silu(self.conv_reduce(x.mean((2, 3), keepdim=True)), inplace=True))
        return x * gate.sigmoid()


class Block(nn.Module):
    """Depthwise-separable (expansion 1) or inverted residual, names as in timm."""

    def __init__(self, inputs, outputs, kernel, stride, expansion, drop_path):
        super().__init__()
        self.separable = expansion == 1
        self.skip = stride == 1 and inputs == outputs
        self.drop_path = drop_path
        wide = inputs * expansion
        self.se = SqueezeExcite(wide, inputs // 4)
        self.conv_dw = conv(wide, wide, kernel, stride, wide)
        if self.separable:
            self.bn1 = norm(wide)
            self.conv_pw = conv(wide, outputs, 1)
            self.bn2 = norm(outputs)
        else:
            self.conv_pw = conv(inputs, wide, 1)
            self.bn1 = norm(wide)
            self.bn2 = norm(wide)
            self.conv_pwl = conv(wide, outputs, 1)
            self.bn3 = norm(outputs)

    def branch(self, x):
        act = lambda y: F.silu(y, inplace=True)
        if self.separable:
            return self.bn2(self.conv_pw(self.se(act(self.bn1(self.conv_dw(x))))))
        y = act(self.bn1(self.conv_pw(x)))
        return self.bn3(self.conv_pwl(self.se(act(self.bn2(self.conv_dw(y))))))

    def forward(self, x):
        y = self.branch(x)
        if not self.skip:
            return y
        if self.training and self.drop_path > 0:
            keep = 1 - self.drop_path
            y = y * y.new_empty(y.shape[0], 1, 1, 1).bernoulli_(keep).div_(keep)
        return x + y


STAGES = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]


class EfficientNet(nn.Module):
    """Tan and Le 2019, B0 in the TensorFlow variant; module names as in timm's tf_efficientnet_b0."""

    def __init__(self, classes=264, dropout=0.3, drop_path=0.2):
        super().__init__()
        self.conv_stem = conv(3, 32, 3, 2)
        self.bn1 = norm(32)
        total = sum(stage[0] for stage in STAGES)
        stages, width, index = [], 32, 0
        for repeats, kernel, stride, expansion, outputs in STAGES:
            blocks = []
            for i in range(repeats):
                rate = drop_path * index / total
                blocks.append(Block(width, outputs, kernel, stride if i == 0 else 1, expansion, rate))
                width, index = outputs, index + 1
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)
        self.conv_head = conv(320, 1280, 1)
        self.bn2 = norm(1280)
        self.classifier = nn.Linear(1280, classes)
        self.dropout = dropout
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
                nn.init.normal_(module.weight, 0, math.sqrt(2 / fan_out))
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x):
        x = F.silu(self.bn1(self.conv_stem(x)), inplace=True)
        x = F.silu(self.bn2(self.conv_head(self.blocks(x))), inplace=True)
        return self.classifier(F.dropout(x.mean((2, 3)), self.dropout, self.training))


def parameter_count(model):
    return sum(p.numel() for p in model.parameters())


WORKLOADS = {
    "mlp": (mlp, (64, 784), 10, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.5)),
    "lenet": (lenet, (64, 1, 28, 28), 10, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)),
    "resnet18": (
        resnet18,
        (32, 3, 32, 32),
        10,
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=5e-4),
    ),
    "efficientnet": (
        EfficientNet,
        (32, 3, 128, 128),
        264,
        lambda p: torch.optim.AdamW(p, lr=3e-4, weight_decay=3e-4),
    ),
}
