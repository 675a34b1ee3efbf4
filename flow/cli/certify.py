# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow certify`: how robust a network is for certain, and the check of such proofs."""

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from flow.cli.base import Command, StepCommand, add_data, shown
from flow.cli.zoo.options import add_folder, chosen_folder
from flow.cluster.options import add_cluster, cluster_of
from flow.errors import FlowError

if TYPE_CHECKING:
    from flow.certify.verdict import Bracket
    from flow.integer import IntegerNetwork

__all__ = ["COMMAND"]


@dataclass(frozen=True)
class CertifyCommand(Command):
    """Decide test images, or check a file of certificates."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the network, the ball, the budget and the file."""
        parser.add_argument(
            "model",
            metavar="MODEL",
            help="a network of the zoo, a QONNX classifier (.onnx), an integer network (.npz), or "
            "the configuration of a run (.yaml), whose step certify is brought up to date",
        )
        parser.add_argument(
            "--check", metavar="FILE", type=Path, help="check these certificates of MODEL instead"
        )
        parser.add_argument(
            "--epsilon",
            type=int,
            metavar="E",
            help="radius of the ball in uint8 units; of l0 the pixels that may change",
        )
        parser.add_argument(
            "--norm",
            choices=("linf", "l2", "l0"),
            default="linf",
            help="of the ball (default: linf); l2 and l0 are for few pixels, see the manual",
        )
        parser.add_argument(
            "--images", type=int, metavar="N", default=100, help="first test images (default: 100)"
        )
        parser.add_argument(
            "--dataset", metavar="NAME", help="of the images (default: the zoo network's own)"
        )
        _add_budget(parser)
        add_cluster(parser)
        parser.add_argument(
            "--output",
            metavar="FILE",
            type=Path,
            help="certificates; images that are in it already are not decided again (of a run: its "
            "folder)",
        )
        parser.add_argument(
            "--write", action="store_true", help="write the bounds into the zoo network's card"
        )
        add_folder(parser)
        add_data(parser)

    def run(self, options: argparse.Namespace) -> int:
        """Certify, or check; print what is known."""
        if Path(options.model).suffix in (".yaml", ".yml"):
            return _step(options)
        network = _network(options)
        if options.check is not None:
            return _check(options.check, network)
        if options.epsilon is None:
            raise FlowError("certify: there is no --epsilon; give the radius in uint8 units")
        from flow.certify.run import certify  # noqa: PLC0415 - keeps --help fast
        from flow.certify.settings import CertifySettings  # noqa: PLC0415 - too
        from flow.certify.verdict import bracket  # noqa: PLC0415 - too
        from flow.data.datasets import first_test_images  # noqa: PLC0415 - too
        from flow.zoo.networks import dataset_of  # noqa: PLC0415 - imports torch

        dataset = dataset_of(_dataset(options), options.data)
        images, labels = first_test_images(dataset, options.images, "--images")
        settings = CertifySettings(
            epsilon_255=options.epsilon,
            nodes=options.nodes,
            flips=options.flips,
            norm=options.norm,
        )
        with cluster_of(options) as cluster:
            verdicts = certify(
                *(network, images, labels, settings),
                file=options.output,
                cluster=cluster,
                budget_s=options.budget_s,
            )
        found = bracket(verdicts)
        print(summary(found, settings.ball, len(images)))
        if options.write:
            _write(options, found)
        if options.output is not None:
            print(f"certificates: {shown(options.output)}")
        return 0


def _add_budget(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--nodes",
        type=int,
        metavar="N",
        default=1_000_000,
        help="boxes that may be bounded for an image, 0 for none (default: 1,000,000)",
    )
    parser.add_argument(
        "--flips",
        type=int,
        metavar="N",
        default=1000,
        help="images tried in search of a misclassified one (default: 1,000)",
    )
    parser.add_argument(
        "--budget-s", type=float, metavar="S", help="begin no image after so many seconds"
    )


def _step(options: argparse.Namespace) -> int:
    step = StepCommand(name="certify", help="", result="certify/certify.json")
    given = {"config": Path(options.model), "zoo": None, "command": step}
    return step.run(argparse.Namespace(**vars(options) | given))


def summary(found: "Bracket", ball: str, images: int) -> str:
    """Return the bracket as text."""
    tiers = ", ".join(f"{tier} {count:,}" for tier, count in sorted(found.tiers.items()))
    lines = [
        f"robust accuracy at {ball} on {found.images:,} images: "
        f"{found.certified:.2%} certified, at most {found.possible:.2%}",
        f"robust {found.robust:,}, adversarial {found.adversarial:,}, unknown {found.unknown:,} "
        f"({tiers})",
    ]
    if found.images < images:
        lines.append(f"{images - found.images:,} images are left; run it again to go on")
    return "\n".join(lines)


def _write(options: argparse.Namespace, found: "Bracket") -> None:
    from brevitas_models.model_card import CertifiedFigures  # noqa: PLC0415 - keeps --help fast
    from brevitas_models.pretrained import card, save_card  # noqa: PLC0415 - imports torch

    figures = CertifiedFigures(
        norm=options.norm,
        epsilon_255=options.epsilon,
        images=found.images,
        certified=round(found.certified, 4),
        possible=round(found.possible, 4),
        nodes=options.nodes,
    )
    folder = chosen_folder(options)
    save_card(replace(card(options.model, folder), certified=figures), folder)


def _network(options: argparse.Namespace) -> "IntegerNetwork":
    from flow.export.loading import load_model  # noqa: PLC0415 - imports onnx

    return load_model(options.model, folder=chosen_folder(options))


def _dataset(options: argparse.Namespace) -> str:
    if options.dataset is not None:
        return str(options.dataset)
    if Path(options.model).suffix in (".npz", ".onnx"):
        raise FlowError(f"certify {options.model}: a file names no images; give --dataset")
    from brevitas_models.pretrained import card  # noqa: PLC0415 - imports torch

    return card(options.model, chosen_folder(options)).data


def _check(certificates: Path, network: "IntegerNetwork") -> int:
    from flow.certify.checker import WrongCertificate, check_file  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory(prefix="steelflow-") as folder:
        path = Path(folder) / "network.npz"
        network.save(path)
        try:
            counts = check_file(certificates, path)
        except WrongCertificate as error:
            raise FlowError(f"certify --check: {error}; certify again") from error
    for confirmed, count in sorted(counts.items()):
        print(f"{count:6,} {confirmed}")
    return 0


COMMAND = CertifyCommand(
    name="certify", help="prove robustness image by image, or check the proofs"
)
