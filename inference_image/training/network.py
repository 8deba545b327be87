"""The default model's network: a residual encoder, context from the whole picture, and a light decoder.

A U-Net (Ronneberger et al., 2015) of residual blocks (He et al., 2016) with the pooled context of PSPNet (Zhao et al.,
2017) at its lowest level. Dense convolutions only: on a CPU they run nearest to what the processor can do.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (16, 48, 96, 144, 176)  # channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture's side
BLOCKS = (0, 1, 2, 2, 2)  # residual blocks at each
DECODER_WIDTHS = (96, 64, 48, 24)  # channels on the way back, at 1/16, 1/8, 1/4 and 1/2
POOLED = (1, 2, 4)  # sides of the grids that the lowest level is averaged over


def _convolution(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(features + self.second(self.first(features)))


class _Context(nn.Module):
    """Adds to each place what there is in the quarter, the half and the whole of the picture around it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        part = width // len(POOLED)
        self.parts = nn.ModuleList(_convolution(width, part, 1) for _ in POOLED)
        self.merge = _convolution(width + part * len(POOLED), width, 1)

    def forward(self, features: Tensor) -> Tensor:
        side = features.shape[-1]
        pooled = [
            functional.interpolate(
                part(functional.avg_pool2d(features, -(-side // grid), ceil_mode=True)),
                size=features.shape[-2:],
                mode="bilinear",
            )
            for part, grid in zip(self.parts, POOLED, strict=True)
        ]
        return self.merge(torch.cat((features, *pooled), 1))


class _Merge(nn.Module):
    """Brings coarse features to twice their side and adds them to the finer ones of the encoder."""

    def __init__(self, coarse: int, skip: int, width: int) -> None:
        super().__init__()
        self.coarse = nn.Conv2d(coarse, width, 1, bias=False)
        self.skip = nn.Conv2d(skip, width, 1, bias=False)
        self.norm = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(inplace=True))
        self.smooth = _convolution(width, width)

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:
        return self.smooth(self.norm(_doubled(self.coarse(features)) + self.skip(skip)))


def _doubled(features: Tensor) -> Tensor:
    """Each place four times. Of ``interpolate``, PyTorch 2.13 compiles a gradient of 0 for a CPU."""
    count, channels, height, width = features.shape
    spread = features[:, :, :, None, :, None].expand(count, channels, height, 2, width, 2)
    return spread.reshape(count, channels, 2 * height, 2 * width)


class MaskNetwork(nn.Module):
    """Pictures to logits of alpha.

    Takes (n, 3, S, S), normalised by ImageNet's mean and deviation, S a multiple of 32; gives a list of logits
    (n, 1, s, s), the first at S, the others at S/4, S/8 and S/16, which only training uses.
    """

    def __init__(self) -> None:
        super().__init__()
        levels, inputs = [], 3
        for width, blocks in zip(WIDTHS, BLOCKS, strict=True):
            residuals = (_Residual(width) for _ in range(blocks))
            levels.append(nn.Sequential(_convolution(inputs, width, stride=2), *residuals))
            inputs = width
        self.encoder = nn.ModuleList(levels)
        self.context = _Context(WIDTHS[-1])
        self.decoder, self.heads = nn.ModuleList(), nn.ModuleList()
        for width, skip in zip(DECODER_WIDTHS, reversed(WIDTHS[:-1]), strict=True):
            self.decoder.append(_Merge(inputs, skip, width))
            self.heads.append(nn.Conv2d(width, 1, 1))
            inputs = width
        self.heads[-1] = nn.Sequential(nn.Conv2d(inputs, 4, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, pictures: Tensor) -> list[Tensor]:
        skips, features = [], pictures
        for level in self.encoder:
            features = level(features)
            skips.append(features)
        features = self.context(skips.pop())
        logits = []
        for merge, head in zip(self.decoder, self.heads, strict=True):
            features = merge(features, skips.pop())
            logits.append(head(features))
        return logits[::-1]
