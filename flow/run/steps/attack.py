# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Attack the networks' integer forms, and measure how errors grow with depth."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow.attacks import Attack, OnDevice, build_attack, build_goal
from flow.classifier import Images, Labels
from flow.config import AttackConfig
from flow.data.datasets import data_files, first_test_images, load_dataset
from flow.evaluation.accuracy import BoardUse
from flow.evaluation.amplification import error_amplification
from flow.evaluation.evaluator import Evaluation, RobustAccuracy, Subject, Verdict, evaluate
from flow.evaluation.masked_gradients import masked_gradient_findings, noise_holds
from flow.evaluation.worst_case import union, worst_case
from flow.integer import IntegerNetwork
from flow.progress import meter
from flow.report.schema import AmplificationPoint, NoisePoint, RobustRow
from flow.run.compiled import compiled_networks, network_files
from flow.run.counterexamples import broken_images
from flow.run.examples import Examples, save_examples
from flow.run.judge import Judge, judging
from flow.run.pipeline import Context, Settings, Step
from flow.run.results import Attacked, Sign
from flow.storage.records import write_json
from flow.threads import one_thread
from hw.accelerator import MANIFEST_FILE

__all__ = ["AttackStep"]

_EXAMPLES = 64  # images attacked for pictures and for the amplification


class AttackStep(Step):
    """*.npz -> attack.json, examples.npz."""

    name = "attack"
    version = 5
    needs = ("compile",)
    tools = ("numpy", "torch")

    def settings(self, context: Context) -> Settings:
        """Return the budget, and epsilon of the examples."""
        config = context.config
        example = config.rtlsim.epsilon_255
        return {
            "data": config.data,
            "attack": config.attack,
            "seed": config.seed,
            "example": example,
            "simulated": config.rtlsim.images,
        }

    def inputs(self, context: Context) -> list[Path]:
        """Return the integer networks; a new folding changes nothing here, but on a board."""
        found = [*network_files(context).values()]
        if context.config.attack.engine == "board":
            found.append(context.folder("compile") / "accelerator" / MANIFEST_FILE)
        return found

    def needed_files(self, context: Context) -> Sequence[Path]:
        """Return the data set's files."""
        return data_files(context.config.data, context.data)

    def run(self, context: Context, folder: Path, scratch: Path) -> None:
        """Evaluate every combination; one that an interrupted run has finished is not redone."""
        config = context.config
        dataset = load_dataset(config.data, context.data)
        images, labels = first_test_images(dataset, config.attack.images, "attack.images")
        measured: list[Attacked] = []
        shown = first_test_images(dataset, config.rtlsim.images, "rtlsim.images")
        examples = Examples(*shown, attacked={})
        attacked: dict[str, Images] = {}
        for name, network in compiled_networks(context).items():
            with judging(context, name, network, scratch) as judge:
                judge.compare(dataset.test_images[: config.attack.board_images])
                job = _Job(name, network, judge, images, labels, config.attack, config.seed)
                rows, checks = job.rows(scratch), job.checks(scratch)
                count = None if name == config.deployed else _EXAMPLES
                found = job.adversarial_examples(examples, count, config.rtlsim.epsilon_255)
            noise = job.noise()
            points = tuple(
                NoisePoint(network=name, epsilon_255=radius, accuracy=float(holds.mean()))
                for radius, holds in noise.items()
            )
            outcomes = [(o.row.epsilon_255, o.holds) for o in (*rows, *checks, found.verdict)]
            attacked[name] = found.adversarial
            reached = np.flatnonzero(found.attacked[:_EXAMPLES])
            growth = error_amplification(
                *(network, examples.clean[reached], found.adversarial[reached]), name=name
            )
            measured.append(
                Attacked(
                    rows=tuple(RobustRow(**asdict(one.row)) for one in rows),
                    checks=tuple(RobustRow(**asdict(one.row)) for one in checks),
                    noise=points,
                    amplification=tuple(AmplificationPoint(**asdict(layer)) for layer in growth),
                    signs=job.signs([one.row for one in (*rows, *checks)], points),
                    boards=tuple(judge.boards(name)),
                    broken=broken_images(name, [*outcomes, *noise.items()]),
                )
            )
        Attacked.of_all(measured).save(folder)
        save_examples(folder, replace(examples, attacked=attacked))


@dataclass(frozen=True)
class _Job:
    """What is measured on one network."""

    name: str
    network: IntegerNetwork
    judge: Judge
    images: Images
    labels: Labels
    config: AttackConfig
    seed: int

    def rows(self, scratch: Path) -> list[Verdict]:
        """Return each attack at each epsilon, then their union: the worst case image by image.

        With stop_early there are only the unions of the first attacks, of one norm each, the
        largest first: it is the headline.
        """
        attacks, epsilons = self.config.attacks, self.config.epsilons_255
        by_norm: dict[str, list[str]] = {}
        for attack in attacks:
            by_norm.setdefault(self._built(attack).norm, []).append(attack)
        if self.config.stop_early:
            unions = [self._stages(*key, scratch) for key in product(by_norm.values(), epsilons)]
            return [stage for stages in unions for stage in reversed(stages)]
        verdicts = {key: self._verdict(*key, scratch) for key in product(attacks, epsilons)}
        found = list(verdicts.values())
        for names, epsilon in product(by_norm.values(), epsilons):
            if len(names) > 1:
                found.append(union([verdicts[name, epsilon] for name in names]))
        return found

    def checks(self, scratch: Path) -> list[Verdict]:
        """Return PGD with check_steps steps at each epsilon."""
        steps = self.config.check_steps
        if steps is None:
            return []
        longer = replace(self, config=self.config.model_copy(update={"steps": steps}))
        folder = scratch / f"steps-{steps}"
        folder.mkdir(exist_ok=True)
        return [longer._verdict("pgd", eps, folder) for eps in self.config.epsilons_255]

    def signs(self, rows: list[RobustAccuracy], noise: Sequence[NoisePoint]) -> tuple[Sign, ...]:
        """Say what hints at masked gradients: where any wrong label counts, as with noise."""
        if self.config.goal != "untargeted":
            return ()
        by_epsilon = {point.epsilon_255: point.accuracy for point in noise}
        found = masked_gradient_findings(rows, by_epsilon)
        return tuple(Sign(network=self.name, sign=finding.message) for finding in found)

    def _built(self, attack: str) -> Attack:
        config = self.config
        return build_attack(
            attack,
            steps=config.steps,
            restarts=config.restarts,
            queries=config.queries,
            goal=build_goal(config.goal, target=config.target, top_k=config.top_k),
            repeats=config.repeats,
        )

    def _stages(self, attacks: Sequence[str], epsilon_255: int, scratch: Path) -> list[Verdict]:
        """Measure the union, or read again what an interrupted run has measured."""
        path = scratch / f"{self.name}-{'+'.join(attacks)}-{epsilon_255}.json"
        if not path.exists():
            subject = Subject(
                victim=self.judge.victim,
                network=self.name,
                seed=self.seed,
                engine=self.judge.engine,
                surrogate=OnDevice(self.network, self.config.device),
            )
            title = f"{len(attacks)} attacks at {epsilon_255}/255, {self.name}"
            before = self.judge.used()
            with one_thread(), meter(title, unit="images") as report:
                found = worst_case(
                    *(subject, self.images, self.labels),
                    [self._built(attack) for attack in attacks],
                    epsilon_255,
                    progress=report,
                )
            use = self.judge.used(before)
            stages = [replace(one, row=replace(one.row, board=use)) for one in found.stages]
            write_json(path, [_kept(one) for one in stages])
        return [_verdict(entry) for entry in json.loads(path.read_text())]

    def _verdict(self, attack: str, epsilon_255: int, scratch: Path) -> Verdict:
        """Measure, or read again what an interrupted run has measured."""
        path = scratch / f"{self.name}-{attack}-{epsilon_255}.json"
        if not path.exists():
            before = self.judge.used()
            found = self._evaluate(attack, epsilon_255, self.images, self.labels).verdict
            row = replace(found.row, board=self.judge.used(before))
            write_json(path, _kept(replace(found, row=row)))
        return _verdict(json.loads(path.read_text()))

    def noise(self) -> dict[int, NDArray[np.bool_]]:
        """Return which images are right under random noise of each size."""
        return {
            epsilon: noise_holds(self.network, self.images, self.labels, epsilon, seed=self.seed)
            for epsilon in self.config.epsilons_255
        }

    def adversarial_examples(
        self, examples: Examples, count: int | None, epsilon_255: int
    ) -> Evaluation:
        """Attack the first images with PGD, all when None."""
        images, labels = examples.clean[:count], examples.labels[:count]
        return self._evaluate("pgd", epsilon_255, images, labels)

    def _evaluate(
        self, attack: str, epsilon_255: int, images: Images, labels: Labels
    ) -> Evaluation:
        with (
            one_thread(),
            meter(f"{attack} at {epsilon_255}/255, {self.name}", unit="images") as report,
        ):
            return evaluate(
                self.judge.victim,
                images,
                labels,
                self._built(attack),
                epsilon_255,
                seed=self.seed,
                network=self.name,
                engine=self.judge.engine,
                surrogate=OnDevice(self.network, self.config.device),
                progress=report,
            )


def _entry(row: RobustAccuracy) -> dict[str, Any]:
    """Return a row for JSON; without a board it has no such key."""
    return {key: value for key, value in asdict(row).items() if value is not None}


def _kept(verdict: Verdict) -> dict[str, Any]:
    return {"row": _entry(verdict.row), "holds": verdict.holds.tolist()}


def _verdict(entry: dict[str, Any]) -> Verdict:
    return Verdict(_row(entry["row"]), np.array(entry["holds"], dtype=np.bool_))


def _row(entry: dict[str, Any]) -> RobustAccuracy:
    known = {"ci95": tuple(entry["ci95"])}
    board = BoardUse(**entry["board"]) if "board" in entry else None
    return RobustAccuracy(**entry | known | {"board": board})
