# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a run of a trained network does where its configuration says no more than `zoo: NAME`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brevitas_models.pretrained import FOLDER, card
from flow.zoo.entries import entry

__all__ = ["data_section", "weights_file", "with_zoo_defaults", "zoo_defaults"]

_SHARES = (0.0, 0.5, 1.0, 1.5, 2.0, 4.0)  # of that strength; the last shows whether it destroys


def zoo_defaults(name: str) -> dict[str, Any]:
    """Return a run's name and its sections data, compile, verify, rtlsim, certify and attack.

    The attack's strengths are shares and multiples of the card's.

    Raises:
        ModelError: there is no network of that name, or it has no card.
    """
    found, known = card(name), entry(name)
    measured, target, usual = found.robust or found.certified, known.target, known.run
    strength = measured.epsilon_255 if measured else usual.epsilon_255
    epsilons = sorted({min(255, round(share * strength)) for share in _SHARES})
    return {
        "name": name.replace("-", "_"),
        "data": data_section(known.data),
        "compile": {
            "part": target.part,
            "clock_mhz": target.clock_mhz,
            "target_fps": float(target.frames_per_second),
        },
        "verify": dict(usual.verify),
        "rtlsim": {"epsilon_255": strength},
        "certify": dict(usual.certify),
        "attack": {"epsilons_255": epsilons} | dict(usual.attack),
    }


def with_zoo_defaults(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration that says `zoo: NAME` with what it leaves open filled in.

    Sections are filled key by key; but data of another source are taken as they are.

    Raises:
        ModelError: see zoo_defaults.
    """
    found = zoo_defaults(document["zoo"])
    for key, value in document.items():
        usual = found.get(key)
        if not isinstance(usual, dict) or not isinstance(value, dict):
            found[key] = value
        elif key != "data" or value.get("source", usual["source"]) == usual["source"]:
            found[key] = usual | value
        else:
            found[key] = value
    return found


def data_section(source: str) -> dict[str, Any]:
    """Return a configuration's `data` for a card's; the zoo's CIFAR-10 is its JPEG copy."""
    return {"source": source} | ({"format": "jpeg"} if source == "cifar10" else {})


def weights_file(name: str) -> Path:
    """Return the file of a trained network's weights."""
    return FOLDER / f"{name}.npz"
