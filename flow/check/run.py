# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The figures of a run: its steps are brought up to date as far as the limits need them."""

from collections.abc import Callable
from pathlib import Path

from flow.check.limits import Figure, Found, Limits, Name
from flow.errors import SettingError
from flow.evaluation.accuracy import wilson_interval
from flow.run.pipeline import Context, Pipeline
from flow.run.results import Attacked, Simulated, Synthesised, Verified
from flow.run.steps import all_steps

__all__ = ["check_run"]


def check_run(context: Context, limits: Limits) -> list[Figure]:
    """Run what is out of date, and read what the steps found.

    Raises:
        FlowError: as the steps; the configuration does not attack at the epsilon asked for.
        HardwareError: as the steps.
        ModelError: as the steps.
    """
    _check_epsilon(context, limits)
    pipeline, found = Pipeline(all_steps()), dict[Name, Found]()
    for name in limits.wanted:
        step, read = _SOURCES[name]
        pipeline.run(context, step)
        found[name] = read(context.folder(step), limits, context.config.deployed)
    return limits.judge(found)


def _check_epsilon(context: Context, limits: Limits) -> None:
    known = context.config.attack.epsilons_255
    if limits.epsilon_255 is not None and limits.epsilon_255 not in known:
        raise SettingError(
            f"epsilon_255 {limits.epsilon_255}: is not among attack.epsilons_255 of the "
            f"configuration ({', '.join(map(str, known))}); add it there, or ask for one of these",
            "epsilon_255",
        )


def _accuracy(folder: Path, _: Limits, deployed: str) -> Found:
    found = Verified.load(folder)
    share, count = found.accuracy[deployed], found.qonnx_vs_integer.images
    low, high = wilson_interval(round(share * count), count)
    return Found(share, f"{count} images, 95% interval {low:.4f} to {high:.4f}")


def _robust(folder: Path, limits: Limits, deployed: str) -> Found:
    """Return the lowest accuracy of the deployed network, whatever the attack."""
    rows = [
        row
        for row in Attacked.load(folder).rows
        if row.network == deployed and row.epsilon_255 == limits.epsilon_255
    ]
    worst = min(rows, key=lambda row: row.accuracy)
    low, high = worst.ci95
    how = f"{worst.attack} within {limits.epsilon_255}/255, {worst.norm}"
    interval = f"{worst.images} images, 95% interval {low:.4f} to {high:.4f}"
    return Found(worst.accuracy, f"{how}; {interval}")


def _fps(folder: Path, _: Limits, __: str) -> Found:
    speed = Simulated.load(folder).hardware
    place = f"{speed.part} at {speed.clock_mhz:g} MHz"
    return Found(speed.frames_per_second, f"RTL simulation, {place}")


def _lut(folder: Path, _: Limits, __: str) -> Found:
    return Found(Synthesised.load(folder).resources.lut, "Yosys, not placed")


_SOURCES: dict[Name, tuple[str, Callable[[Path, Limits, str], Found]]] = {
    "accuracy": ("verify", _accuracy),
    "robust": ("attack", _robust),
    "fps": ("rtlsim", _fps),
    "lut": ("synth", _lut),
}
