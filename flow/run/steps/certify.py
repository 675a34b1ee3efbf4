# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Prove how robust the integer network is that becomes hardware."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flow.certify.run import certify
from flow.certify.settings import CertifySettings
from flow.certify.verdict import Answer, Verdict, bracket
from flow.classifier import Images, Labels
from flow.cluster import ProcessCluster
from flow.config import CertifyConfig
from flow.data.datasets import data_files, first_test_images, load_dataset
from flow.integer import IntegerNetwork
from flow.run.compiled import network_files
from flow.run.pipeline import Context, Settings, Step
from flow.run.results import Certified, Proven

__all__ = ["CertifyStep"]


class CertifyStep(Step):
    """network.npz -> certify.json, certificates-EPSILON.jsonl."""

    name = "certify"
    version = 2
    needs = ("compile",)
    tools = ("numpy",)

    def settings(self, context: Context) -> Settings:
        """Return the budget; where it says nothing, radii and images are the attack's."""
        config = context.config
        return {"data": config.data, "certify": _complete(context)}

    def inputs(self, context: Context) -> list[Path]:
        """Return the integer network; a new folding changes nothing here."""
        return [network_files(context)[context.config.deployed]]

    def needed_files(self, context: Context) -> Sequence[Path]:
        """Return the data set's files."""
        return data_files(context.config.data, context.data)

    def run(self, context: Context, folder: Path, scratch: Path) -> None:
        """Decide the images at each radius; what an interrupted run has decided is kept."""
        budget = _complete(context)
        dataset = load_dataset(context.config.data, context.data)
        images, labels = first_test_images(dataset, budget.images, "certify.images")
        network = IntegerNetwork.load(network_files(context)[context.config.deployed])
        rows = []
        for epsilon_255 in budget.epsilons_255 or ():
            file = scratch / f"certificates-{epsilon_255}.jsonl"
            row = _row(network, images, labels, budget, epsilon_255, file)
            rows.append(Proven(network=context.config.deployed, **row))
            shutil.copy(file, folder / file.name)
        Certified(rows=tuple(rows)).save(folder)


def _complete(context: Context) -> CertifyConfig:
    """Return the section with the attack's radii and images where it says nothing."""
    given, attack = context.config.certify, context.config.attack
    return given.changed(
        epsilons_255=given.epsilons_255 or attack.epsilons_255, images=given.images or attack.images
    )


def _row(  # noqa: PLR0917 - all of them one measurement
    network: IntegerNetwork,
    images: Images,
    labels: Labels,
    budget: CertifyConfig,
    epsilon_255: int,
    file: Path,
) -> dict[str, Any]:
    """Return the counts of one radius, see flow.run.results.Proven."""
    settings = CertifySettings(epsilon_255=epsilon_255, flips=budget.flips, nodes=budget.nodes)
    with ProcessCluster(budget.processes) as cluster:
        verdicts = certify(
            *(network, images, labels, settings),
            file=file,
            cluster=cluster,
            budget_s=budget.budget_s,
        )
    found = bracket(verdicts)
    return {
        "norm": "linf",
        "epsilon_255": epsilon_255,
        "images": found.images,
        "robust": found.robust,
        "adversarial": found.adversarial,
        "unknown": found.unknown,
        "nodes": budget.nodes,
        "tiers": {str(tier): count for tier, count in sorted(found.tiers.items())},
        "broken_images": _indices(verdicts, Answer.ADVERSARIAL),
        "open_images": _indices(verdicts, Answer.UNKNOWN),
    }


def _indices(verdicts: Sequence[Verdict], answer: Answer) -> tuple[int, ...]:
    return tuple(one.index for one in verdicts if one.answer is answer)
