# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The file of a trained network: weight codes, and each channel's gain and bias."""

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

from brevitas_models._blocks import QuantClassifier, weight_step
from brevitas_models._canonical import weight_codes
from brevitas_models.errors import ModelError

__all__ = ["REMEDY", "network_content", "read_into", "write"]

REMEDY = "install steelflow again, or train it again"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of every array in a file, so that equal networks are equal bytes

_Arrays = Mapping[str, NDArray[Any]]


def network_content(network: QuantClassifier) -> bytes:
    """Return an .npz file, without the time of day that numpy would write into it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, values in _arrays(network).items():
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
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: is damaged ({reason}); {REMEDY}") from error
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


def _arrays(network: QuantClassifier) -> dict[str, NDArray[Any]]:
    """Return what a file holds, by name: <layer>.codes, <norm>.gain and <norm>.bias."""
    bits, found = network.precision.weight_bits, {}
    for name, layer in network.weighted_layers():
        found[f"{name}.codes"] = weight_codes(layer, bits).numpy()
    for name, norm in network.norms():
        found[f"{name}.gain"] = norm.weight.detach().numpy()
        found[f"{name}.bias"] = norm.bias.detach().numpy()
    return found


def _check(path: Path, found: _Arrays, network: QuantClassifier) -> None:
    bits = network.precision.weight_bits
    largest = 2 ** (bits - 1) - 1 if bits > 1 else 1
    for name, like in _arrays(network).items():
        if name not in found or found[name].shape != like.shape or found[name].dtype != like.dtype:
            raise ModelError(f"{path}: has no {like.dtype}{list(like.shape)} {name}; {REMEDY}")
        values, codes = found[name], name.endswith(".codes")
        if not np.isfinite(values).all() or (codes and np.abs(values.astype(int)).max() > largest):
            raise ModelError(f"{path}: {name} holds values that no training leaves; {REMEDY}")


def _fill(network: QuantClassifier, arrays: _Arrays) -> None:
    step = weight_step(network.precision.weight_bits)
    with torch.no_grad():
        for name, layer in network.weighted_layers():
            layer.weight.copy_(torch.from_numpy(arrays[f"{name}.codes"]) * step)
        for name, norm in network.norms():
            norm.weight.copy_(torch.from_numpy(arrays[f"{name}.gain"]))
            norm.bias.copy_(torch.from_numpy(arrays[f"{name}.bias"]))
