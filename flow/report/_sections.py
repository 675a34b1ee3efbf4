# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The sections of the report's page; one without data is an empty string."""

import json
from collections.abc import Sequence
from html import escape

from flow.report import figures
from flow.report._elements import details, figure, image, section, table
from flow.report.examples import Example
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


def robustness(report: Report) -> str:
    """Robust accuracy against epsilon, with every row as a table."""
    attack = strongest(report)
    rows = [row for row in report.robust_accuracy if row.attack == attack]
    svg = figures.robust_accuracy_figure(rows, report.noise_accuracy, attack=attack)
    alt = "; ".join(f"{r.network} {r.accuracy:.0%} at epsilon {r.epsilon_255}" for r in rows)
    budget = f"{rows[0].steps} steps, {rows[0].restarts} restarts, {rows[0].images} images"
    caption = (
        f"Under {attack_title(attack)}, {rows[0].norm}, {budget}. Bands: 95% Wilson intervals."
    )
    picture = figure(svg, f"Robust accuracy against epsilon. {alt}.", caption)
    return section(
        "Robust accuracy",
        "Share of test images that are still classified right when the attack may change each "
        "pixel by at most epsilon. Attack images are uint8, re-checked against that bound and "
        "scored on the integer network; images that are wrong when clean count as lost.",
        _warnings(report.masked_gradient_signs),
        f"<div class='pair'>{picture}{_grid(rows)}</div>",
        details("Every attack and budget", _all_rows(report.robust_accuracy)),
    )


def _warnings(signs: Sequence[str]) -> str:
    items = "; ".join(signs)
    text = f"The attack may be too weak: {items}. Do not trust the figures below."
    return f'<p class="warning">{escape(text)}</p>' if signs else ""


def _grid(rows: Sequence[RobustRow]) -> str:
    networks = sorted({row.network for row in rows}, key=lambda name: name != "robust")
    cells = {
        (row.network, row.epsilon_255): f"{row.accuracy:.1%} ({_interval(row)})" for row in rows
    }
    body = [
        [str(epsilon), *(cells.get((name, epsilon), "") for name in networks)]
        for epsilon in sorted({row.epsilon_255 for row in rows})
    ]
    head = ["epsilon / 255", *networks]
    return table(f"Accuracy under {attack_title(rows[0].attack)} (95% interval)", head, body)


def _interval(row: RobustRow) -> str:
    return f"{100 * row.ci95[0]:.1f}\u00a0to\u00a0{100 * row.ci95[1]:.1f}"


def _all_rows(rows: Sequence[RobustRow]) -> str:
    head = ["network", "engine", "attack", "norm", "epsilon / 255", "steps", "restarts"]
    return table(
        "All measured rows",
        [*head, "seed", "images", "accuracy", "95% interval"],
        [
            [
                *(row.network, row.engine, row.attack, row.norm, str(row.epsilon_255)),
                *(str(row.steps), str(row.restarts), "" if row.seed is None else str(row.seed)),
                *(str(row.images), f"{row.accuracy:.1%}", _interval(row)),
            ]
            for row in rows
        ],
    )


def example_images(examples: Sequence[Example]) -> str:
    """Images before and after attack, with the labels that the networks gave."""
    if not examples:
        return ""
    networks = list(examples[0].attacked)
    head = ["image", *(head for name in networks for head in (f"attack on {name}", "change"))]
    rows = [_example_row(example, networks) for example in examples]
    epsilon = examples[0].epsilon_255
    who = "both networks get" if len(networks) > 1 else "the network gets"
    return section(
        f"Images before and after attack, epsilon {epsilon}/255",
        f"The first test image of each class that {who} right, not chosen by the "
        "attack's success. Below each attacked image is the network's label. Change: blue is "
        f"brighter, orange darker, full colour is {epsilon}.",
        f'<div class="examples">{table("Examples", head, rows)}</div>',
    )


def _example_row(example: Example, networks: Sequence[str]) -> list[str]:
    title = f"clean image of class {example.label}"
    cells: list[str] = [image(figures.image_png(example.image), title, str(example.label))]
    for name in networks:
        attacked = example.attacked[name]
        label = attacked.label_adversarial
        verdict = "holds" if label == example.label else "fooled"
        alt = f"attacked image that the {name} network labels {label}"
        cells.append(
            image(figures.image_png(attacked.image), alt, f"{label}, {verdict}", mark=verdict)
        )
        change = figures.difference_png(example.image, attacked.image, example.epsilon_255)
        cells.append(image(change, f"change made by the attack on the {name} network"))
    return cells


def amplification(report: Report) -> str:
    """Relative error by depth."""
    points = report.amplification
    if not points:
        return ""
    alt = "; ".join(f"{p.network} {p.layer} {p.distance:.2f}" for p in points)
    svg = figures.amplification_figure(points)
    head = ["network", "layer", "relative error", "95% interval"]
    rows = [
        [p.network, p.layer, f"{p.distance:.3f}", f"{p.ci95[0]:.3f} to {p.ci95[1]:.3f}"]
        for p in points
    ]
    return section(
        "Error amplification by depth",
        "||a(x_adv) - a(x)|| / ||a(x)|| behind each operation (Defensive Quantization, Lin et al. "
        "2019): where the curve rises, the network amplifies the attack.",
        figure(svg, f"Relative error by layer. {alt}.", "Mean over images, 95% interval."),
        details("Figures", table("Relative error", head, rows)),
    )


def agreement(report: Report) -> str:
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
    return section(
        "Agreement of the engines",
        "The same images through every form of the network, from training to RTL.",
        "<div class='pair'>",
        table("Comparisons", ["engines", "images", "labels differ", "logits differ"], rows),
        table("Clean accuracy", ["engine", "accuracy"], scores),
        "</div>",
    )


def _differences(item: Comparison) -> list[str]:
    return [
        "not compared" if count is None else str(count)
        for count in (item.labels_differ, item.logits_differ)
    ]


def hardware(report: Report) -> str:
    """Speed in simulation, and size in synthesis beside FINN's estimate."""
    hw = report.hardware
    svg = figures.resources_figure(hw.resources.per_layer)
    alt = "; ".join(f"{layer.name} {layer.lut} LUT" for layer in hw.resources.per_layer)
    picture = figure(svg, f"LUTs by layer. {alt}.", "Where FINN gives no estimate there is no bar.")
    return section(
        "Hardware",
        f"The stitched accelerator for {hw.part}: cycles from Verilator, resources from Yosys.",
        "<div class='pair'><div>",
        table("Speed", ["figure", "value"], _speed(report)),
        "</div><div>",
        _utilisation(hw.resources, hw.capacity),
        "</div></div>",
        picture,
        details("Resources of every node", _layers(hw.resources)),
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


def _utilisation(used: Resources, capacity: Capacity | None) -> str:
    kinds = (("LUT", "lut"), ("FF", "ff"), ("DSP", "dsp"), ("BRAM36", "bram36"))
    if capacity is None:
        rows = [[label, f"{getattr(used, kind):,g}"] for label, kind in kinds]
        return table("Resources", ["kind", "used"], rows)
    bars = []
    for label, kind in kinds:
        share = getattr(used, kind) / max(getattr(capacity, kind), 1)
        numbers = f"{getattr(used, kind):,g} of {getattr(capacity, kind):,g} ({share:.0%})"
        bars.append(
            f"<span>{label}</span><div class='track' aria-hidden='true'>"
            f"<div style='width:{min(share, 1):.1%}'></div></div><span>{numbers}</span>"
        )
    return f"<p><strong>Use of the part</strong></p><div class='use'>{''.join(bars)}</div>"


def _layers(resources: Resources) -> str:
    head = ["node", "LUT", "LUT, FINN", "FF", "DSP", "DSP, FINN", "BRAM36", "BRAM36, FINN"]
    rows = [_layer_row(layer) for layer in resources.per_layer]
    total = [f"{resources.lut:,}", "", f"{resources.ff:,}", f"{resources.dsp:,}", ""]
    return table(
        "Yosys beside FINN's estimate",
        head,
        [*rows, ["whole accelerator", *total, f"{resources.bram36:g}", ""]],
    )


def _layer_row(layer: LayerResources) -> list[str]:
    guess = layer.estimate
    lut, dsp, bram = (guess.lut, guess.dsp, guess.bram36) if guess else (None, None, None)
    return [
        *(layer.name, f"{layer.lut:,}", _number(lut), f"{layer.ff:,}", f"{layer.dsp:,}"),
        *(_number(dsp), f"{layer.bram36:g}", _number(bram)),
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,g}"


def training(report: Report) -> str:
    """Accuracy by epoch."""
    curves = {name: points for name, points in report.training.items() if points}
    if not curves:
        return ""
    last = "; ".join(f"{name} ends at {points[-1].accuracy:.1%}" for name, points in curves.items())
    seen = (
        f"attacked for the {report.deployed} one, clean for the {report.compared} one"
        if report.compared in curves
        else "attacked"
    )
    return section(
        "Training",
        f"Accuracy on the training images as each network saw them: {seen}.",
        figure(figures.training_figure(curves), f"Training accuracy by epoch: {last}.", last),
    )


def provenance(report: Report) -> str:
    """Times, settings, versions and machine: what is needed to repeat the run."""
    times = [[name, _duration(seconds)] for name, seconds in report.timings_s.items()]
    times.append(["together", _duration(sum(report.timings_s.values()))])
    versions = [[name, version] for name, version in sorted(report.tool_versions.items())]
    machine = [[name, str(value)] for name, value in report.machine.items()]
    settings = escape(json.dumps(report.settings, indent=2))
    seed = "" if report.seed is None else f" Seed {report.seed}."
    return section(
        "How this was made",
        f"Times are of the run that last did each step.{seed}",
        "<div class='pair'>",
        table("Time by step", ["step", "time"], times),
        table("Machine", ["what", "value"], machine) if machine else "",
        "</div>",
        details("Settings", f"<pre>{settings}</pre>") if report.settings else "",
        details("Versions", table("Versions", ["tool", "version"], versions)) if versions else "",
    )


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
