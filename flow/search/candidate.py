# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One point of the space, and the run that rebuilds it."""

from typing import Any

from brevitas_models.architectures import layer_names
from flow.config import CompileConfig, NetworkConfig, TrainingConfig
from flow.config.section import Section
from flow.search.settings import SearchConfig
from flow.training.configured import network_settings

__all__ = ["Candidate", "layers_of", "run_document"]


_ANY_SHAPE, _ANY_CLASSES = (32, 32, 3), 10  # the names of the layers do not depend on them


class Candidate(Section):
    """What is trained and compiled; all of it is in a run's sections."""

    network: NetworkConfig
    training: TrainingConfig
    compile: CompileConfig

    def text(self) -> str:
        """Return it in a line: shape, bits (weights/activations by layer), target, training."""
        network, target = self.network, self.compile
        shape = network.architecture or "-".join(map(str, network.channels))
        if network.cells:
            shape += f" ({' '.join(network.cells)})"
        bits = " ".join(f"{p.weight_bits}/{p.activation_bits}" for p in network.bits.values())
        same = f"{network.weight_bits}/{network.activation_bits}"
        squeezed = f", input {network.input_bits}" if network.input_bits else ""
        return (
            f"{shape}, bits {bits or same}{squeezed}, {target.target_fps:g} frames/s on "
            f"{target.part}, {self.training.objective} at {self.training.epsilon_255}/255"
        )


def layers_of(network: NetworkConfig) -> tuple[str, ...]:
    """Return the names of the weighted layers, for `bits`."""
    return layer_names(network_settings(network, input_shape=_ANY_SHAPE, classes=_ANY_CLASSES))


def run_document(candidate: Candidate, config: SearchConfig, name: str) -> dict[str, Any]:
    """Return the configuration of the run that trains, compiles and attacks the candidate."""
    sections = {
        key: getattr(candidate, key).model_dump(mode="json", exclude_unset=True)
        for key in ("network", "training", "compile")
    }
    return {
        "name": name,
        "seed": config.seed,
        "data": config.data.model_dump(mode="json", exclude_unset=True),
        **sections,
        "rtlsim": {"epsilon_255": config.epsilon_255},
        "attack": {"epsilons_255": sorted({0, config.epsilon_255})},
    }
