"""A network of SSCD's architecture with weights of nobody's, as a TorchScript archive: Meta's are not here.

`Model` is that of github.com/facebookresearch/sscd-copy-detection: a ResNet as torchvision builds it, a
generalised mean in the place of its pooling, and `embeddings`, a linear layer and the length. Random weights
see nearly the same in all images; so the linear layer takes what differs most among some of them.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from neardup_cli.embedders.base import resize_to_input
from neardup_cli.embedders.painted import painted_images

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIRECTIONS = 16
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Bottleneck(nn.Module):
    """Three convolutions beside a way past them."""

    def __init__(self, channels: int, inner: int, stride: int) -> None:
        super().__init__()
        out = 4 * inner
        self.conv1 = nn.Conv2d(channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or channels != out:
            shrinking = nn.Conv2d(channels, out, 1, stride, bias=False)
            self.downsample = nn.Sequential(shrinking, nn.BatchNorm2d(out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what it makes of feature maps."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        if self.downsample is not None:
            x = self.downsample(x)
        return self.relu(y + x)


class GlobalGeMPool2d(nn.Module):
    """The generalised mean of each feature map."""

    def __init__(self, pooling_param: float) -> None:
        super().__init__()
        self.pooling_param = pooling_param

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, channels, 1, 1)."""
        raised = x.clamp(min=1e-6).pow(self.pooling_param)
        return functional.adaptive_avg_pool2d(raised, (1, 1)).pow(1.0 / self.pooling_param)


class ResNet(nn.Module):
    """The trunk, as torchvision names its parts."""

    def __init__(self, depths: Sequence[int], width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels, layers = width, []
        for stage, depth in enumerate(depths):
            blocks = []
            for number in range(depth):
                blocks.append(Bottleneck(channels, width << stage, 2 if stage and not number else 1))
                channels = 4 * width << stage
            layers.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        self.avgpool = GlobalGeMPool2d(3.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, channels)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return torch.flatten(self.avgpool(x), 1)


class L2Norm(nn.Module):
    """Unit length."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the same directions."""
        return functional.normalize(x)


class Model(nn.Module):
    """All of it."""

    def __init__(self, depths: Sequence[int], width: int, dimension: int) -> None:
        super().__init__()
        self.backbone = ResNet(depths, width)
        self.embeddings = nn.Sequential(nn.Linear(32 * width, dimension), L2Norm())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, dimension)."""
        return self.embeddings(self.backbone(x))


def write_archive(
    path: Path, *, depths: Sequence[int] = (3, 4, 6, 3), width: int = 64, dimension: int = 512, traced: bool
) -> None:
    """Write a network with random weights; by default ResNet-50, as SSCD has it.

    Args:
        path: of the archive.
        depths: blocks of each stage.
        width: channels of the first.
        dimension: of the vectors.
        traced: write what a run of it did, and not its program: Meta's files may be of either kind.
    """
    torch.manual_seed(0)
    model = Model(depths, width, dimension)
    images = torch.stack([_normalised(image) for image in painted_images(24, seed=7)])
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.2)
        model.train()
        for some in images.split(8):
            model(some)
        model.eval()
        seen = torch.cat([model.backbone(some) for some in images.split(8)])
        mean = seen.mean(0)
        directions = torch.linalg.svd(seen - mean, full_matrices=False)[2][:_DIRECTIONS]
        linear: Any = model.embeddings[0]
        linear.weight.copy_(torch.randn(dimension, len(directions)) @ directions)
        linear.bias.copy_(-(linear.weight @ mean))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is not what PyTorch wants to be used
        made = torch.jit.trace(model, images[:1]) if traced else torch.jit.script(model)
        torch.jit.save(made, str(path))


def _normalised(image: Any) -> Any:  # noqa: ANN401 - a picture in, a tensor out
    pixels = resize_to_input(image.resize((192, 192)), 192).astype(np.float32) / 255
    return torch.from_numpy(((pixels - _MEAN) / _DEVIATION).astype(np.float32)).permute(2, 0, 1)
