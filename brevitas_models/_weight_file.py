# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The file of a trained network: weight codes, each channel's gain and bias, trained quantizers.

Layers are named by their place in the network, so that a layer's name may change.
"""

import contextlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.exact import weight_codes
from brevitas_models.quantizers import WeightQuantizer
from steelflow_names import one_line

__all__ = ["REMEDY", "fill_network", "network_arrays", "network_content", "read_into", "write"]

REMEDY = "install steelflow again, or train it again"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of every array in a file, so that equal networks are equal bytes

_Arrays = Mapping[str, NDArray[Any]]


def network_content(network: QuantClassifier) -> bytes:
    """Return an .npz file, without the time of day that numpy would write into it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, values in network_arrays(network).items():
            content = io.BytesIO()
            np.save(content, values)
            entry = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            archive.writestr(entry, content.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def read_into(network: QuantClassifier, path: Path) -> None:
    """Give an untrained network the weights, gains and biases of an .npz file.

    Raises:
        ModelError: the file is damaged or another network's.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(f"{path}: is damaged ({one_line(error)}); {REMEDY}") from error
    fill_network(network, path, arrays)


def fill_network(network: QuantClassifier, path: Path, arrays: _Arrays) -> None:
    """Give an untrained network what network_arrays returned of a trained one.

    Raises:
        ModelError: the arrays are damaged or another network's; the message names `path`.
    """
    _check(path, arrays, network)
    _fill(network, arrays)


def write(path: Path, content: bytes) -> None:
    """Write a file, complete or not at all.

    Raises:
        ModelError: it cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise ModelError(
            f"{path}: cannot be written ({error.strerror}); make room or choose another folder"
        ) from error


def network_arrays(network: QuantClassifier) -> dict[str, NDArray[Any]]:
    """Return what a file holds: <layer>.codes, <norm>.gain, <norm>.bias and other parameters.

    Scales that follow the weights are in <layer>.scale.
    """
    found = {}
    for name, layer in network.weighted_layers():
        found[f"{_key(network, name)}.codes"] = weight_codes(layer).numpy()
        if _follows(network):
            scale = layer.quant_weight().scale.detach()
            found[f"{_key(network, name)}.scale"] = scale.numpy()
    for name, norm in network.norms():
        found[f"{_key(network, name)}.gain"] = norm.weight.detach().numpy()
        found[f"{_key(network, name)}.bias"] = norm.bias.detach().numpy()
    for name, value in _others(network).items():
        found[_key(network, name)] = value.numpy()
    return found


def _follows(network: QuantClassifier) -> bool:
    return network.settings.quantizers.weights is WeightQuantizer.LARGEST


def _others(network: QuantClassifier) -> dict[str, Tensor]:
    """Return the state besides weights and BatchNorms: trained scales, thresholds, joins."""
    held = {f"{name}.weight" for name, _ in network.weighted_layers()}
    norms = tuple(f"{name}." for name, _ in network.norms())
    state = network.state_dict()
    return {k: v for k, v in state.items() if k not in held and not k.startswith(norms)}


def _key(network: QuantClassifier, name: str) -> str:
    """Return a name with the layer's place instead of its own name."""
    first, _, rest = name.removeprefix("features.").partition(".")
    places = [child for child, _ in network.features.named_children()]
    inside = name.startswith("features.")
    return f"features.{places.index(first)}.{rest}" if inside else name


def _check(path: Path, found: _Arrays, network: QuantClassifier) -> None:
    largest = {
        f"{_key(network, name)}.codes": max(2 ** (int(layer.quant_weight().bit_width) - 1) - 1, 1)
        for name, layer in network.weighted_layers()
    }
    for name, like in network_arrays(network).items():
        if name not in found or found[name].shape != like.shape or found[name].dtype != like.dtype:
            raise ModelError(f"{path}: has no {like.dtype}{list(like.shape)} {name}; {REMEDY}")
        values, codes = found[name], name in largest
        if not np.isfinite(values).all() or (
            codes and np.abs(values.astype(int)).max() > largest[name]
        ):
            raise ModelError(f"{path}: {name} holds values that no training leaves; {REMEDY}")


def _fill(network: QuantClassifier, arrays: _Arrays) -> None:
    with torch.no_grad():
        for name, value in _others(network).items():
            value.copy_(torch.from_numpy(arrays[_key(network, name)]))
        for name, layer in network.weighted_layers():
            key = _key(network, name)
            scale = arrays[f"{key}.scale"] if _follows(network) else layer.quant_weight().scale
            layer.weight.copy_(torch.from_numpy(arrays[f"{key}.codes"]) * torch.as_tensor(scale))
        for name, norm in network.norms():
            norm.weight.copy_(torch.from_numpy(arrays[f"{_key(network, name)}.gain"]))
            norm.bias.copy_(torch.from_numpy(arrays[f"{_key(network, name)}.bias"]))
