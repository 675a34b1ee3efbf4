# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The zoo's figures as rows: of every model, and of one beside its card."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from brevitas_models.model_card import HardwareFigures, LipschitzFigures, ModelCard, RobustFigures
from brevitas_models.pretrained import FOLDER, card, trained
from flow.errors import FlowError
from flow.tables import as_table
from flow.zoo.entries import ENTRIES
from flow.zoo.evaluation import Measurement

__all__ = [
    "Row",
    "evaluation_record",
    "evaluation_table",
    "hardware_table",
    "listed",
    "model_row",
    "model_table",
]

Row = dict[str, Any]


def listed(folder: Path = FOLDER) -> list[Row]:
    """Return a row for each trained network in the folder, as model_row.

    Raises:
        FlowError: there is none.
        ModelError: a card is damaged.
    """
    held = trained(folder)
    if not held:
        raise FlowError(f"zoo: {folder} holds no trained network; run steelflow zoo train NAME")
    names = [*(name for name in ENTRIES if name in held), *(set(held) - set(ENTRIES))]
    return [model_row(card(name, folder)) for name in names]


def model_row(found: ModelCard) -> Row:
    """Return what is known of a network; None where it was not measured.

    Returns:
        name; data; network, its architecture; weight_bits and activation_bits of most layers;
        clean, the accuracy 0..1 on the test set; robust, the worst case 0..1 over `attack` in the
        ball of `norm` and radius epsilon_255 (uint8 units) on the first `images` of the test set;
        certified and possible, the bounds 0..1 of the robust accuracy on the first certified_images
        in the ball of radius certified_epsilon_255, possible by all that broke images;
        lut, bram36 and frames_per_second on `part`; command, which trains it again.
    """
    robust, hardware, proven = found.robust, found.hardware, found.certified
    return {
        "name": found.name,
        "data": found.data,
        "network": found.network.architecture,
        "weight_bits": found.weight_bits,
        "activation_bits": found.activation_bits,
        "clean": found.accuracy,
        "robust": robust and robust.accuracy,
        "epsilon_255": robust and robust.epsilon_255,
        "norm": robust and robust.norm,
        "attack": robust and robust.union,
        "images": robust and robust.images,
        "certified": proven and proven.certified,
        "possible": proven and proven.at_most(robust),
        "certified_epsilon_255": proven and proven.epsilon_255,
        "certified_images": proven and proven.images,
        "lut": hardware and hardware.lut,
        "bram36": hardware and hardware.bram36,
        "frames_per_second": hardware and hardware.frames_per_second,
        "part": hardware and hardware.part,
        "command": found.command,
    }


def model_table(rows: Sequence[Row]) -> str:
    """Return the rows as text, and below it by which attacks the robust figures are."""
    attacks = sorted({row["attack"] for row in rows if row["attack"]})
    notes = [f"robust: left of the first n test images by {attack}" for attack in attacks]
    if any(row["certified"] is not None for row in rows):
        notes.append("proven: the bounds of the robust accuracy, by steelflow certify")
    return "\n".join([as_table([_shown(row) for row in rows]), *notes])


def _shown(row: Row) -> dict[str, str]:
    robust = ball = "-"
    if row["certified"] is not None:
        ball = f"linf {row['certified_epsilon_255']}/255"
    if row["robust"] is not None:
        robust = f"{row['robust']:.1%} of {row['images']:,}"
        ball = f"{row['norm']} {row['epsilon_255']}/255"
    known = row["part"] is not None
    return {
        "name": row["name"],
        "network": row["network"],
        "bits": f"{row['weight_bits']}w{row['activation_bits']}a",
        "clean": f"{row['clean']:.2%}",
        "robust": robust,
        "proven": _proven(row),
        "ball": ball,
        "LUT": f"{row['lut']:,}" if known else "-",
        "BRAM36": f"{row['bram36']:g}" if known else "-",
        "frames/s": f"{row['frames_per_second']:,.0f}" if known else "-",
        "part": row["part"] or "-",
    }


def _proven(row: Row) -> str:
    """Return the bounds of the robust accuracy, with their ball where it is not the attacks'."""
    low, high = row["certified"], row["possible"]
    if low is None:
        return "-"
    bounds = f"{low:.1%}" if low == high else f"{low:.1%} to {high:.1%}"
    other = row["robust"] is not None and row["epsilon_255"] != row["certified_epsilon_255"]
    place = f" at {row['certified_epsilon_255']}/255" if other else ""
    return f"{bounds} of {row['certified_images']:,}{place}"


def evaluation_table(found: ModelCard, measured: Measurement) -> str:
    """Return what was measured beside the card's figures, as text."""
    lines = [("clean", _percent(measured.clean), _percent(found.accuracy))]
    if measured.clean_attacked is not None:
        lines.append(("clean, of the attacked", _percent(measured.clean_attacked), "-"))
    ours, theirs = _robust_lines(measured.robust), _robust_lines(found.robust)
    lines += [(key, text, theirs.get(key, "-")) for key, text in ours.items()]
    bounds = _bound(measured.lipschitz), _bound(found.lipschitz)
    lines.append((f"Lipschitz bound, {measured.lipschitz.norm}", *bounds))
    return as_table([{found.name: key, "measured": one, "card": two} for key, one, two in lines])


def _robust_lines(figures: RobustFigures | None) -> dict[str, str]:
    if figures is None:
        return {}
    low, high = (_percent(limit) for limit in figures.ci95)
    return {
        "attacked": f"{figures.images:,} images, {figures.norm} {figures.epsilon_255}/255, "
        f"seed {figures.seed}",
        **{f"  left by {one.budget}": _percent(one.accuracy) for one in figures.attacks},
        "worst case": f"{_percent(figures.accuracy)} (95%: {low} to {high})",
    }


def _bound(figures: LipschitzFigures | None) -> str:
    return "-" if figures is None else f"{figures.slope:g}, rounding {figures.rounding:g}"


def _percent(share: float) -> str:
    return f"{share:.2%}"


def evaluation_record(found: ModelCard, measured: Measurement) -> Row:
    """Return what was measured as JSON values."""
    robust = measured.robust
    return {
        "name": found.name,
        "clean": measured.clean,
        "test_images": found.test_images,
        "clean_attacked": measured.clean_attacked,
        "robust": robust and asdict(robust),
        "attack": robust and robust.union,
        "lipschitz": asdict(measured.lipschitz),
    }


def hardware_table(found: ModelCard, measured: HardwareFigures) -> str:
    """Return what was measured beside the card's figures, as text."""
    theirs = {} if found.hardware is None else asdict(found.hardware)
    rows = []
    for key, value in asdict(measured).items():
        if key != "measured":
            known = theirs.get(key)
            text = "-" if known is None else str(known)
            rows.append({found.name: key, "measured": str(value), "card": text})
    return f"{as_table(rows)}\n{measured.measured}"
