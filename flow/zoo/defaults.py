# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a run of a trained network does where its configuration says no more than `zoo: NAME`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brevitas_models.pretrained import FOLDER, card
from flow.zoo.targets import target_of

__all__ = ["data_section", "weights_file", "with_zoo_defaults", "zoo_defaults"]

# Strength of the attack where the card has neither robust nor certified figures: published
# networks are small on MNIST, and 8/255 is what CIFAR-10's are attacked with.
_EPSILON_255 = {"mnist": 26}
_USUAL_EPSILON_255 = 8
_CERTIFY = {"mnist": {"nodes": 5000}}
_USUAL_CERTIFY = {"images": 10, "flips": 50, "nodes": 50}  # on 8 bits search proves nothing
_SHARES = (0.0, 0.5, 1.0, 1.5, 2.0, 4.0)  # of that strength; the last shows whether it destroys

# What one CPU core does in some minutes; the last for images of 32x32 and more
_VERIFY = {"mnist": {"images": 2000, "finn_images": 64}}
_USUAL_VERIFY = {"images": 200, "finn_images": 8}
_ON_FEW_BITS = {"attacks": ["apgd_ce", "flip", "apgd_dlr", "pgd", "square"]}
_ATTACK = {"mnist": {"images": 200, "steps": 40, "restarts": 2, "queries": 2000} | _ON_FEW_BITS}
_USUAL_ATTACK = {"images": 50, "steps": 20, "restarts": 1, "queries": 500}
# The worst case of those that the cards are measured with: an image of few bits gives poor
# gradients, so that one of them needs none. Each sees what those before it left.
_ATTACKS = {"attacks": ["apgd_ce", "apgd_dlr", "pgd", "square"], "stop_early": True}


def zoo_defaults(name: str) -> dict[str, Any]:
    """Return a run's name and its sections data, compile, verify, rtlsim, certify and attack.

    The attack's strengths are shares and multiples of the card's.

    Raises:
        ModelError: there is no network of that name, or it has no card.
    """
    found, target = card(name), target_of(name)
    source = found.data
    usual = _EPSILON_255.get(source, _USUAL_EPSILON_255)
    measured = found.robust or found.certified
    strength = measured.epsilon_255 if measured else usual
    epsilons = sorted({min(255, round(share * strength)) for share in _SHARES})
    return {
        "name": name.replace("-", "_"),
        "data": data_section(source),
        "compile": {
            "part": target.part,
            "clock_mhz": target.clock_mhz,
            "target_fps": float(target.frames_per_second),
        },
        "verify": _VERIFY.get(source, _USUAL_VERIFY),
        "rtlsim": {"epsilon_255": strength},
        "certify": _CERTIFY.get(source, _USUAL_CERTIFY),
        "attack": {"epsilons_255": epsilons} | _ATTACKS | _ATTACK.get(source, _USUAL_ATTACK),
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
