# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Every figure of a finalist, measured on its integers, its RTL and its synthesis."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flow.attacks.apgd import ApgdCe, ApgdDlr
from flow.attacks.base import Attack
from flow.attacks.flip import Flip
from flow.attacks.square import Square
from flow.certify.run import certify
from flow.certify.settings import CertifySettings
from flow.certify.verdict import bracket
from flow.classifier import Images, Labels, accuracy
from flow.cluster import ProcessCluster
from flow.compile import check_in_rtl, compile_network, synthesize_shown
from flow.compile.prediction import predict
from flow.data.datasets import Dataset
from flow.evaluation.divided import divided_worst_case
from flow.integer import IntegerNetwork
from flow.integer.native import NativeNetwork
from flow.search.candidate import Candidate
from flow.search.cost import Cost, cost_of
from flow.search.settings import Final, SearchConfig

__all__ = ["Measured", "cell_search", "measure", "worst_case_of"]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A trained network on the first test images, its RTL and its synthesis.

    Attributes:
        clean: accuracy on the whole test set.
        worst_case: share of the attacked images that no attack broke.
        certified: share that is proven robust; None where that was not asked.
        lut, bram36, dsp: by Yosys.
        fps: frames a second, as simulated.
        latency_us: of the first frame, as simulated.
        logits_differ: between RTL and integers.
        predicted: what the cost model said of the trained network.
    """

    clean: float
    worst_case: float
    certified: float | None
    lut: int
    bram36: float
    dsp: int
    fps: float
    latency_us: float
    logits_differ: int
    predicted: Cost


def measure(
    network: IntegerNetwork, candidate: Candidate, dataset: Dataset, config: SearchConfig
) -> Measured:
    """Attack, certify, compile, simulate and synthesise a trained network.

    Raises:
        FlowError, HardwareError: it cannot be built, or the RTL differs from the integers.
    """
    final, (images, labels) = config.final, (dataset.test_images, dataset.test_labels)
    predicted = cost_of(predict(network, candidate.compile), candidate.compile)
    with tempfile.TemporaryDirectory(prefix="steelflow-search-") as scratch:
        folder = Path(scratch)
        compiled = compile_network(
            *(network, candidate.compile, folder),
            name=config.name,
            scratch=folder / "work",
            build_dir=folder / "verilator",
        )
        run = check_in_rtl(
            *(compiled.accelerator, network, images[: final.rtl_images]),
            build_dir=folder / "verilator",
            processes=1,
        )
        total = synthesize_shown(compiled.accelerator, timeout_s=3600).total
    assert run.agreement is not None, "it was compared"
    attacked = images[: final.images], labels[: final.images]
    return Measured(
        clean=accuracy(NativeNetwork(network).logits(images), labels),
        worst_case=worst_case_of(network, *attacked, _strong(final), config),
        certified=_certified(network, images, labels, config),
        lut=total.lut,
        bram36=total.bram36,
        dsp=total.dsp,
        fps=run.frames_per_second,
        latency_us=run.simulated.latency_cycles / candidate.compile.clock_mhz,
        logits_differ=run.agreement.logits_differ or 0,
        predicted=predicted,
    )


def _strong(final: Final) -> list[Attack]:
    budget = {"steps": final.steps, "restarts": final.restarts}
    square = Square(steps=final.queries)
    return [ApgdCe(**budget), *cell_search(final.flips), ApgdDlr(**budget), square]


def cell_search(flips: int) -> list[Attack]:
    """Return the search over cells with so many evaluations for an image; none for 0."""
    return [Flip(steps=flips)] if flips else []


def _certified(
    network: IntegerNetwork, images: Images, labels: Labels, config: SearchConfig
) -> float | None:
    final = config.final
    if not final.certify_images:
        return None
    settings = CertifySettings(epsilon_255=config.epsilon_255, nodes=final.nodes)
    some = slice(final.certify_images)
    return bracket(certify(network, images[some], labels[some], settings)).certified


def worst_case_of(
    network: IntegerNetwork,
    images: Images,
    labels: Labels,
    attacks: Sequence[Attack],
    config: SearchConfig,
) -> float:
    """Return the share of images uint8[N, H, W, C] that none of the attacks breaks."""
    found = divided_worst_case(
        *(ProcessCluster(1), network, images, labels),
        attacks=attacks,
        epsilon_255=config.epsilon_255,
        name="candidate",
        seed=config.seed,
    )
    return found.evaluation.row.accuracy
