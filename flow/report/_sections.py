# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The sections of the report's page; one without data is an empty string."""

import json
from collections.abc import Sequence

from markupsafe import Markup

from flow.report import figures
from flow.report.examples import Example
from flow.report.rendering import render
from flow.report.schema import Capacity, Comparison, LayerResources, Report, Resources, RobustRow

__all__ = [
    "agreement",
    "amplification",
    "example_images",
    "hardware",
    "provenance",
    "robustness",
    "strongest",
    "training",
]

_ENGINES = {
    "brevitas_vs_qonnx": ("Brevitas", "QONNX"),
    "qonnx_vs_integer": ("QONNX", "integer network"),
    "finn_vs_integer": ("FINN dataflow graph", "integer network"),
    "integer_vs_rtlsim": ("integer network", "RTL in Verilator"),
}


def strongest(report: Report) -> str:
    """Return the attack to draw: the worst case over several, else PGD if there is one."""
    attacks = [row.attack for row in report.robust_accuracy]
    unions = [attack for attack in attacks if "+" in attack]
    return unions[0] if unions else "pgd" if "pgd" in attacks else attacks[0]


def attack_title(attack: str) -> str:
    """Return "PGD", or "the worst of FGSM and PGD" for a union."""
    names = attack.upper().split("+")
    return names[0] if len(names) == 1 else f"the worst of {' and '.join(names)}"


def robustness(report: Report) -> Markup:
    """Robust accuracy against epsilon, with every row as a table."""
    attack, styles = strongest(report), figures.network_styles(report)
    rows = [row for row in report.robust_accuracy if row.attack == attack]
    networks = figures.in_order({row.network for row in rows}, styles)
    return render(
        "robustness.html",
        report=report,
        attack=attack_title(attack),
        svg=figures.robust_accuracy_figure(rows, report.noise_accuracy, styles),
        alt="; ".join(f"{r.network} {r.accuracy:.0%} at epsilon {r.epsilon_255}" for r in rows),
        budget=f"{rows[0].norm}, {rows[0].steps} steps, {rows[0].restarts} restarts, "
        f"{rows[0].images} images",
        head=["epsilon / 255", *networks],
        grid=_grid(rows, networks),
        every_row=[_every_cell(row) for row in report.robust_accuracy],
    )


def _grid(rows: Sequence[RobustRow], networks: Sequence[str]) -> list[list[str]]:
    cells = {
        (row.network, row.epsilon_255): f"{row.accuracy:.1%} ({_interval(row)})" for row in rows
    }
    return [
        [str(epsilon), *(cells.get((name, epsilon), "") for name in networks)]
        for epsilon in sorted({row.epsilon_255 for row in rows})
    ]


def _interval(row: RobustRow) -> str:
    return f"{100 * row.ci95[0]:.1f}\u00a0to\u00a0{100 * row.ci95[1]:.1f}"


def _every_cell(row: RobustRow) -> list[str]:
    return [
        *(row.network, row.engine, row.attack, row.norm, str(row.epsilon_255)),
        *(str(row.steps), str(row.restarts), "" if row.seed is None else str(row.seed)),
        *(str(row.images), f"{row.accuracy:.1%}", _interval(row)),
    ]


def example_images(examples: Sequence[Example]) -> Markup:
    """Images before and after attack, with the labels that the networks gave."""
    if not examples:
        return Markup()
    return render(
        "examples.html",
        epsilon_255=examples[0].epsilon_255,
        networks=list(examples[0].attacked),
        rows=[_example_row(example) for example in examples],
    )


def _example_row(example: Example) -> dict[str, object]:
    attacked = [
        (
            name,
            figures.image_png(found.image),
            figures.difference_png(example.image, found.image, example.epsilon_255),
            found.label_adversarial,
        )
        for name, found in example.attacked.items()
    ]
    clean = figures.image_png(example.image)
    return {"clean": clean, "label": example.label, "attacked": attacked}


def amplification(report: Report) -> Markup:
    """Relative error by depth."""
    points = report.amplification
    if not points:
        return Markup()
    return render(
        "amplification.html",
        svg=figures.amplification_figure(points, figures.network_styles(report)),
        alt="; ".join(f"{p.network} {p.layer} {p.distance:.2f}" for p in points),
        rows=[
            [p.network, p.layer, f"{p.distance:.3f}", f"{p.ci95[0]:.3f} to {p.ci95[1]:.3f}"]
            for p in points
        ],
    )


def agreement(report: Report) -> Markup:
    """Which engines were compared, on how many images, and what differed."""
    rows = [
        [" and ".join(_ENGINES[name]), str(item.images), *_differences(item)]
        for name, item in report.agreement.items()
    ]
    for name, reason in (report.agreement.skipped or {}).items():
        rows.append([" and ".join(_ENGINES[name]), "none", f"not compared: {reason}", ""])
    accuracy = report.accuracy
    scores = [["Brevitas", f"{accuracy.brevitas:.2%}"], ["QONNX", f"{accuracy.qonnx:.2%}"]]
    scores.append(["integer network", f"{accuracy.integer:.2%}"])
    return render("agreement.html", rows=rows, scores=scores)


def _differences(item: Comparison) -> list[str]:
    return [
        "not compared" if count is None else str(count)
        for count in (item.labels_differ, item.logits_differ)
    ]


def hardware(report: Report) -> Markup:
    """Speed in simulation, and size in synthesis beside FINN's estimate."""
    hw = report.hardware
    layers, used = hw.resources.per_layer, hw.resources
    return render(
        "hardware.html",
        part=hw.part,
        speed=_speed(report),
        bars=_bars(used, hw.capacity) if hw.capacity else (),
        used=[[label, f"{getattr(used, kind):,g}"] for label, kind in _KINDS],
        svg=figures.resources_figure(layers),
        alt="; ".join(f"{layer.name} {layer.lut} LUT" for layer in layers),
        layers=_layers(used),
    )


def _speed(report: Report) -> list[list[str]]:
    hw = report.hardware
    microsecond = 1 / hw.clock_mhz
    rows = [
        ["clock", f"{hw.clock_mhz:g} MHz"],
        ["cycles a frame, predicted", f"{hw.cycles_per_frame_predicted:,}"],
        ["cycles a frame, measured", f"{hw.cycles_per_frame_measured:,g}"],
        ["frames a second", f"{hw.frames_per_second:,.0f}"],
    ]
    if hw.initiation_interval_cycles is not None:
        rows.append(["initiation interval", f"{hw.initiation_interval_cycles:,g} cycles"])
    if hw.latency_cycles is not None:
        time = f"{hw.latency_cycles * microsecond:,.1f} us"
        rows.append(["latency", f"{hw.latency_cycles:,} cycles ({time})"])
    return rows


_KINDS = (("LUT", "lut"), ("FF", "ff"), ("DSP", "dsp"), ("BRAM36", "bram36"))


def _bars(used: Resources, capacity: Capacity) -> list[tuple[str, str, str]]:
    """Return kind, width of its bar, and numbers."""
    bars = []
    for label, kind in _KINDS:
        share = getattr(used, kind) / max(getattr(capacity, kind), 1)
        numbers = f"{getattr(used, kind):,g} of {getattr(capacity, kind):,g} ({share:.0%})"
        bars.append((label, f"{min(share, 1):.1%}", numbers))
    return bars


def _layers(used: Resources) -> list[list[str]]:
    total = [f"{used.lut:,}", "", f"{used.ff:,}", f"{used.dsp:,}", "", f"{used.bram36:g}", ""]
    return [*(_layer_row(layer) for layer in used.per_layer), ["whole accelerator", *total]]


def _layer_row(layer: LayerResources) -> list[str]:
    guess = layer.estimate
    lut, dsp, bram = (guess.lut, guess.dsp, guess.bram36) if guess else (None, None, None)
    return [
        *(layer.name, f"{layer.lut:,}", _number(lut), f"{layer.ff:,}", f"{layer.dsp:,}"),
        *(_number(dsp), f"{layer.bram36:g}", _number(bram)),
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,g}"


def training(report: Report) -> Markup:
    """Accuracy by epoch."""
    curves = {name: points for name, points in report.training.items() if points}
    if not curves:
        return Markup()
    return render(
        "training.html",
        svg=figures.training_figure(curves, figures.network_styles(report)),
        last="; ".join(f"{name} ends at {p[-1].accuracy:.1%}" for name, p in curves.items()),
        seen=(
            f"attacked for the {report.deployed} one, clean for the {report.compared} one"
            if report.compared in curves
            else "attacked"
        ),
    )


def provenance(report: Report) -> Markup:
    """Times, settings, versions and machine: what is needed to repeat the run."""
    times = [[name, _duration(seconds)] for name, seconds in report.timings_s.items()]
    times.append(["together", _duration(sum(report.timings_s.values()))])
    return render(
        "provenance.html",
        seed=report.seed,
        times=times,
        machine=report.machine.items(),
        settings=json.dumps(report.settings, indent=2) if report.settings else "",
        versions=sorted(report.tool_versions.items()),
    )


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
