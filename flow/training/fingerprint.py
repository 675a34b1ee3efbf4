# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What tells one training from another."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from torch import nn

from flow.config import TrainerSettings
from flow.config.section import Section
from flow.data.datasets import Dataset
from flow.objectives import Objective
from flow.storage.network_state import tensors

__all__ = ["difference", "fingerprint"]


def fingerprint(
    network: nn.Module,
    dataset: Dataset,
    objective: Objective,
    settings: TrainerSettings,
    *,
    seed: int,
    penalties: Iterable[str],
    controls: str,
) -> dict[str, str]:
    """Return all that decides a training's result, but for the code of penalties and networks.

    Settings are told as they are, arrays by their sha256.
    """
    weights = hashlib.sha256()
    for name, tensor in tensors(network).items():
        weights.update(name.encode())
        weights.update(tensor.detach().cpu().numpy().tobytes())
    images = hashlib.sha256(dataset.train_images.tobytes())
    images.update(dataset.train_labels.tobytes())
    return {
        **dict(_flat({key: getattr(settings, key) for key in TrainerSettings.model_fields})),
        "seed": str(seed),
        "objective": f"{objective.name} {asdict(objective.settings)}",
        "penalties": f"{[*penalties]} {controls}",
        "first weights": weights.hexdigest(),
        "training images": images.hexdigest(),
    }


def difference(stored: object, now: Mapping[str, str]) -> str:
    """Return in words what differs, with the first differing setting's values; "" when nothing."""
    if not isinstance(stored, Mapping):
        return "of another version"
    names = [name for name in {**now, **stored} if stored.get(name) != now.get(name)]
    if not names:
        return ""
    told = [name for name in names if name in now and " " not in name]
    values = f": {told[0]} is {stored.get(told[0])} there and {now[told[0]]} here" if told else ""
    return f"other {', '.join(names)}{values}"


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in settings.items():
        if isinstance(value, Section):
            yield from _flat(dict(value), f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
