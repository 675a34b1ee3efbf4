# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What tells one training from another."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict

from torch import nn

from flow._trainer_settings import TrainerSettings
from flow._trainer_state import tensors
from flow.data import Dataset
from flow.objectives import Objective

__all__ = ["fingerprint"]


def fingerprint(
    network: nn.Module,
    dataset: Dataset,
    objective: Objective,
    settings: TrainerSettings,
    *,
    penalties: Iterable[str],
    controls: str,
) -> str:
    """Digest all that decides a training's result, but for the code of penalties and networks."""
    options = (
        f"{asdict(settings)} {objective.name} {asdict(objective.settings)} {[*penalties]}{controls}"
    )
    digest = hashlib.sha256(options.encode())
    for name, tensor in tensors(network).items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().numpy().tobytes())
    digest.update(dataset.train_images.tobytes())
    digest.update(dataset.train_labels.tobytes())
    return digest.hexdigest()
