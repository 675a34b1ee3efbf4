# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Checkpoints: one file with the architecture and the weights."""

import io
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from brevitas_models._weight_file import fill_network, network_arrays, write
from brevitas_models.architectures import build, convnet_settings
from brevitas_models.bits import Precision
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.settings import ArchitectureSettings
from steelflow_names import one_line

__all__ = ["load_checkpoint", "read_state", "save_checkpoint", "write_state"]

_FORMAT = 1
_DAMAGED = (KeyError, TypeError, ValueError, RuntimeError, AttributeError)


def save_checkpoint(path: Path, network: QuantClassifier) -> None:
    """Write a network in exact form, complete or not at all; the same one gives the same bytes.

    Raises:
        ModelError: the file cannot be written.
    """
    arrays = network_arrays(network).items()
    content = {
        "format": _FORMAT,
        "architecture": network.settings.to_mapping(),
        "arrays": {name: torch.from_numpy(values) for name, values in arrays},
    }
    write_state(path, content)


def load_checkpoint(path: Path, expected: ArchitectureSettings | None = None) -> QuantClassifier:
    """Read a network, in eval mode; no code in the file is run.

    Raises:
        ModelError: the file is missing, corrupt or no checkpoint, or holds another architecture.
    """
    content = read_state(path)
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ModelError(f"{path}: is not a steelflow checkpoint of format {_FORMAT}; train again")
    old = "state" in content
    try:
        network = build(_old_settings(content) if old else _settings(content)).eval()
        arrays = {name: one.numpy() for name, one in content.get("arrays", {}).items()}
        if old:
            network.load_state_dict(_renamed(content["state"]))
    except _DAMAGED as error:
        reason = one_line(error)
        raise ModelError(f"{path}: is a damaged checkpoint ({reason}); train again") from error
    _check_architecture(path, network.settings, expected)
    if not old:
        fill_network(network, path, arrays)
    _check_values(path, network)
    return network.eval()


def _settings(content: dict[str, Any]) -> ArchitectureSettings:
    return ArchitectureSettings.from_mapping(content["architecture"])


def _old_settings(content: dict[str, Any]) -> ArchitectureSettings:
    """Return the settings of a checkpoint from before convolutions were an architecture."""
    values = dict(content["settings"])
    layers = {name: Precision(**bits) for name, bits in values.pop("layers", {}).items()}
    return convnet_settings(**values, layers=layers)


def _renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return such a checkpoint's tensors by the names that they have now."""
    names = {name: re.sub(r"^blocks\.(\d+)\.", r"features.conv\1.", name) for name in state}
    return {names[key].replace(".conv.", ".layer."): value for key, value in state.items()}


def _check_values(path: Path, network: QuantClassifier) -> None:
    for name, tensor in network.state_dict().items():
        if not torch.isfinite(tensor).all() or (name.endswith("running_var") and tensor.min() < 0):
            raise ModelError(
                f"{path}: is a damaged checkpoint ({name} holds values that no training leaves); "
                "train again"
            )


def _check_architecture(
    path: Path, found: ArchitectureSettings, expected: ArchitectureSettings | None
) -> None:
    if expected is None or found == expected:
        return
    pairs = ((name, value, asdict(expected)[name]) for name, value in asdict(found).items())
    differences = [f"{name} {have}, not {need}" for name, have, need in pairs if have != need]
    raise ModelError(
        f"{path}: is a checkpoint of another architecture ({'; '.join(differences)}); "
        "train again, or use the configuration that it was trained with"
    )


def write_state(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values to `path`, complete or not at all.

    Equal content gives equal bytes: tensors and strings are copied first, because pickle writes
    a shared object and two equal ones differently.

    Raises:
        ModelError: the file cannot be written.
    """
    buffer = io.BytesIO()
    torch.save(_canonical(content), buffer)
    write(path, buffer.getvalue())


def read_state(path: Path) -> Any:  # noqa: ANN401 - whatever was written
    """Read what write_state wrote, without running code from the file.

    Raises:
        ModelError: the file is missing or corrupt.
    """
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file; run the train step first")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what the unpickler raises depends on the bytes it meets
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: cannot be read ({reason}); delete it, train again") from error


def _canonical(value: Any) -> Any:  # noqa: ANN401 - a tree of anything
    if isinstance(value, Tensor):
        return value.detach().clone(memory_format=torch.contiguous_format)
    if isinstance(value, dict):
        return {_canonical(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_canonical(item) for item in value)
    return sys.intern(value) if type(value) is str else value
