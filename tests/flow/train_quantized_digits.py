# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Makes quantized_digits.json: trained in float for two seconds, quantized afterwards.

Usage: python tests/flow/train_quantized_digits.py

Its bits depend on the machine (the order of float32 sums follows the number of threads and the
vector instructions), which is why the tests read a file instead.
"""

import json
from pathlib import Path

import numpy as np
import torch
from quantized_digits import digits
from torch import Tensor, nn
from torch.nn import functional

from flow.integer import Convolution, Dense, Flatten, IntegerNetwork, Threshold
from flow.threads import one_thread

_CHANNELS = (8, 16)
_STRIDES = (1, 2)
_LEVELS = 15  # 4-bit activations


def _train() -> tuple[nn.ModuleList, nn.Linear]:
    with torch.random.fork_rng(), one_thread():
        torch.manual_seed(0)
        widths = zip((1, *_CHANNELS), _CHANNELS, _STRIDES, strict=False)
        layers = nn.ModuleList(nn.Conv2d(i, o, 3, stride=s, padding=1) for i, o, s in widths)
        dense = nn.Linear(_CHANNELS[-1] * 16, 10, bias=False)
        images, labels = _tensors()
        optimizer = torch.optim.Adam([*layers.parameters(), *dense.parameters()], lr=4e-3)
        for _ in range(8):
            for batch in torch.randperm(len(images)).split(64):
                features = _features(layers, images[batch])[-1]
                loss = functional.cross_entropy(dense(features.flatten(1)), labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return layers, dense


def _tensors() -> tuple[Tensor, Tensor]:
    images = torch.from_numpy(digits().train_images).permute(0, 3, 1, 2).float() / 255
    return images, torch.from_numpy(digits().train_labels)


def _features(layers: nn.ModuleList, images: Tensor) -> list[Tensor]:
    outputs = []
    for layer in layers:
        images = functional.relu(layer(images))
        outputs.append(images)
    return outputs


@torch.no_grad()
def _quantize(layers: nn.ModuleList, dense: nn.Linear) -> IntegerNetwork:
    operations: list[Convolution | Threshold | Flatten | Dense] = []
    step = 1 / 255  # of the values that come in
    for index, layer in enumerate(layers):
        weights = layer.weight.permute(2, 3, 1, 0).double().numpy()
        unit = np.abs(weights).max(axis=(0, 1, 2)) / 7
        operations.append(
            Convolution(
                name=f"conv{index}",
                weights=np.rint(weights / unit).astype(np.int64),
                stride=layer.stride,
                padding=(1, 1, 1, 1),
            )
        )
        outputs = _features(layers, _tensors()[0][:512])[index]
        next_step = float(outputs.flatten().quantile(0.995) if index else outputs.max()) / _LEVELS
        middles = (np.arange(_LEVELS) + 0.5) * next_step - layer.bias.double().numpy()[:, None]
        thresholds = np.ceil(middles / (unit[:, None] * step)).astype(np.int64)
        operations.append(Threshold(name=f"act{index}", thresholds=thresholds, offset=0))
        step = next_step
    matrix = dense.weight.double().numpy().reshape(10, _CHANNELS[-1], 16)
    matrix = matrix.transpose(2, 1, 0).reshape(-1, 10)  # rows in NHWC order
    unit = np.abs(matrix).max() / 7
    dense_integers = np.rint(matrix / unit).astype(np.int64)
    operations += [Flatten(name="flatten"), Dense(name="dense", weights=dense_integers)]
    return IntegerNetwork(tuple(operations), (8, 8, 1), float(unit * step))


def _as_json(network: IntegerNetwork) -> dict[str, object]:
    """Return every integer as text, a line for each row of weights or of thresholds."""
    found: dict[str, object] = {"scale": network.scale}
    for one in network.operations:
        if isinstance(one, Convolution | Dense):
            rows = one.weights.reshape(-1, one.weights.shape[-1])
        elif isinstance(one, Threshold):
            rows = one.thresholds
        else:
            continue
        found[one.name] = [" ".join(map(str, row)) for row in rows]
    return found


if __name__ == "__main__":
    path = Path(__file__).with_name("quantized_digits.json")
    path.write_text(json.dumps(_as_json(_quantize(*_train())), indent=0) + "\n")
