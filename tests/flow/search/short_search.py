# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The example of a search, cut short for the tests."""

from pathlib import Path

import yaml

import flow
from flow.search.settings import SearchConfig, load_search

EXAMPLE = Path(flow.__file__).parents[1] / "examples" / "digits-search.yaml"


def write_short(folder: Path) -> Path:
    document = yaml.safe_load(EXAMPLE.read_text())
    document["space"] |= {
        "families": [{"channels": [64, 64], "strides": [1, 1]}, {"channels": [4], "strides": [2]}],
        "weight_bits": [2],
        "activation_bits": [2],
        "epsilons_255": [16],
    }
    document["training"] |= {"epochs": 2, "warmup_epochs": 1, "pgd_steps": 2}
    document |= {
        "name": "short",
        "epsilon_255": 16,
        "trials": 1,
        "batch": 1,
        "rungs": [{"epochs": 1, "steps": 3, "images": 50, "flips": 5, "keep": 1}],
        "final": {
            "images": 40,
            "steps": 5,
            "restarts": 1,
            "queries": 50,
            "flips": 20,
            "certify_images": 2,
            "nodes": 50,
            "rtl_images": 2,
        },
    }
    path = folder / "short.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def short_config(folder: Path) -> SearchConfig:
    return load_search(write_short(folder))
