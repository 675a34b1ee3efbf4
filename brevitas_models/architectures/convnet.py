# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A small network of 3x3 convolutions with padding, of the channels and strides that one gives.

Each may be another cell: accurate and robust ones placed by a search, as in DSARA, are its model.
"""

from collections.abc import Iterator, Mapping, Sequence

from brevitas_models.architectures.architecture import MNIST, Architecture
from brevitas_models.architectures.chain import Chain, scaled
from brevitas_models.bits import BitTable, Precision
from brevitas_models.quantizers import Quantizers, WeightQuantizer, activation_step
from brevitas_models.settings import ArchitectureSettings, Cell

__all__ = ["CONVNET", "convnet_settings"]

_RANGE = 4.0  # b-bit activations are the multiples of 4 / 2**b below 4


def _append_convnet(chain: Chain) -> None:
    """Append the convolutions."""
    cells = _cells(chain.parts.cells, len(chain.parts.convolutions))
    for index, (channels, stride) in enumerate(chain.parts.convolutions):
        name, cell = f"conv{index}", cells[index]
        if cell is Cell.RESIDUAL:
            chain.residual(name, channels, stride)
        elif cell is Cell.SEPARABLE:
            _append_conv(chain, f"{name}_depthwise", channels, stride=stride, depthwise=True)
            _append_conv(chain, f"{name}_pointwise", channels, kernel=1)
        else:
            _append_conv(chain, name, channels, stride=stride)
    chain.flatten()


def _append_conv(
    chain: Chain,
    name: str,
    channels: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    depthwise: bool = False,
) -> None:
    """Append one convolution, which keeps the image's size but for its stride."""
    bits = chain.parts.bits.of(name).activation_bits
    chain.conv(
        name,
        channels,
        kernel=kernel,
        stride=stride,
        padding=kernel // 2,
        depthwise=depthwise,
        activation_range=_RANGE / (2**bits * activation_step(bits)),
    )


def _cells(cells: Sequence[Cell], count: int) -> tuple[Cell, ...]:
    return tuple(cells) or (Cell.CONV,) * count


def _layers(settings: ArchitectureSettings) -> tuple[str, ...]:
    """Return conv0, conv1, ..., or the layers of their cells, and classifier."""
    cells = _cells(settings.cells, len(settings.convolutions))
    names = (name for place in enumerate(cells) for name in _cell(settings, *place))
    return (*names, "classifier")


def _cell(settings: ArchitectureSettings, index: int, cell: Cell) -> Iterator[str]:
    name = f"conv{index}"
    if cell is Cell.RESIDUAL:
        yield from (f"{name}.first", f"{name}.second")
        (before, _), (channels, stride) = settings.convolutions[index - 1 : index + 1]
        if stride != 1 or scaled(channels, settings.width) != scaled(before, settings.width):
            yield f"{name}.shortcut"
    elif cell is Cell.SEPARABLE:
        yield from (f"{name}_depthwise", f"{name}_pointwise")
    else:
        yield name


def convnet_settings(
    *,
    input_shape: tuple[int, int, int],
    classes: int,
    channels: tuple[int, ...],
    strides: tuple[int, ...],
    weight_bits: int = 4,
    activation_bits: int = 4,
    layers: Mapping[str, Precision] | None = None,
    cells: Sequence[str] = (),
) -> ArchitectureSettings:
    """Return the settings of a network whose weight scales follow the largest weights.

    Args:
        input_shape: (H, W, C) of an image.
        classes: how many there are.
        channels: of each convolution.
        strides: as many.
        weight_bits: of the layers that `layers` does not name.
        activation_bits: of these.
        layers: layer's name to its precision.
        cells: what each convolution is, see brevitas_models.settings.Cell; convolutions if empty.
    """
    default = Precision(weight_bits=weight_bits, activation_bits=activation_bits)
    return ArchitectureSettings(
        architecture="convnet",
        bits=BitTable(default=default, layers=layers or {}),
        input_shape=input_shape,
        classes=classes,
        quantizers=Quantizers(weights=WeightQuantizer.LARGEST),
        convolutions=tuple(zip(channels, strides, strict=True)),
        cells=tuple(map(Cell, cells)),
    )


CONVNET = Architecture(name="convnet", append=_append_convnet, layers=_layers, input_shape=MNIST)
