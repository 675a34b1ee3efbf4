# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Checkpoints: one file with the architecture and the weights."""

import io
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from brevitas_models import architectures
from brevitas_models._weight_file import fill_network, network_arrays, write
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.network import NetworkSettings, QuantConvNet, build_network
from brevitas_models.settings import ArchitectureSettings

__all__ = ["load_checkpoint", "read_state", "save_checkpoint", "write_state"]

_FORMAT = 1
_DAMAGED = (KeyError, TypeError, ValueError, RuntimeError, AttributeError)

_Network = QuantConvNet | QuantClassifier
_Settings = NetworkSettings | ArchitectureSettings


def save_checkpoint(path: Path, network: _Network) -> None:
    """Write the network, complete or not at all; the same network gives the same bytes.

    A QuantClassifier is in the form of brevitas_models.pretrained.canonicalise.

    Raises:
        ModelError: the file cannot be written.
    """
    content: dict[str, Any] = {"format": _FORMAT}
    if isinstance(network, QuantClassifier):
        arrays = network_arrays(network).items()
        content["architecture"] = network.settings.to_mapping()
        content["arrays"] = {name: torch.from_numpy(values) for name, values in arrays}
    else:
        content["settings"] = asdict(network.settings)
        content["state"] = network.state_dict()
    write_state(path, content)


def load_checkpoint(path: Path, expected: _Settings | None = None) -> _Network:
    """Read a network, in eval mode; no code in the file is run.

    Raises:
        ModelError: the file is missing, corrupt or no checkpoint, or holds another architecture.
    """
    content = read_state(path)
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ModelError(f"{path}: is not a steelflow checkpoint of format {_FORMAT}; train again")
    try:
        network = _classifier(content) if "architecture" in content else _convnet(content)
        arrays = {name: one.numpy() for name, one in content.get("arrays", {}).items()}
    except _DAMAGED as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: is a damaged checkpoint ({reason}); train again") from error
    _check_architecture(path, network.settings, expected)
    if isinstance(network, QuantClassifier):
        fill_network(network, path, arrays)
    _check_values(path, network)
    return network.eval()


def _convnet(content: dict[str, Any]) -> QuantConvNet:
    network = build_network(NetworkSettings(**content["settings"]))
    network.load_state_dict(content["state"])
    return network


def _classifier(content: dict[str, Any]) -> QuantClassifier:
    """Return the untrained network in eval mode."""
    return architectures.build(ArchitectureSettings.from_mapping(content["architecture"])).eval()


def _check_values(path: Path, network: _Network) -> None:
    for name, tensor in network.state_dict().items():
        if not torch.isfinite(tensor).all() or (name.endswith("running_var") and tensor.min() < 0):
            raise ModelError(
                f"{path}: is a damaged checkpoint ({name} holds values that no training leaves); "
                "train again"
            )


def _check_architecture(path: Path, found: _Settings, expected: _Settings | None) -> None:
    if expected is None or found == expected:
        return
    if type(found) is type(expected):
        pairs = ((name, value, asdict(expected)[name]) for name, value in asdict(found).items())
        differences = [f"{name} {have}, not {need}" for name, have, need in pairs if have != need]
    else:
        differences = [f"{_kind(found)}, not {_kind(expected)}"]
    raise ModelError(
        f"{path}: is a checkpoint of another architecture ({'; '.join(differences)}); "
        "train again, or use the configuration that it was trained with"
    )


def _kind(settings: _Settings) -> str:
    if isinstance(settings, ArchitectureSettings):
        return settings.architecture
    return f"convolutions of {settings.channels} channels"


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
