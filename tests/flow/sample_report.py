# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A small but complete report.json document, and pictures of a real attack."""

from functools import cache
from typing import Any

from quantized_digits import digits, digits_network

from flow.attacks import build_attack
from flow.evaluation.evaluator import evaluate
from flow.report import Example, pick_examples


def robust_row(network: str, epsilon_255: int, accuracy: float) -> dict[str, Any]:
    return {
        "network": network,
        "engine": "integer",
        "attack": "pgd",
        "norm": "linf",
        "epsilon_255": epsilon_255,
        "steps": 40,
        "restarts": 5,
        "seed": 0,
        "images": 360,
        "accuracy": accuracy,
        "ci95": [max(accuracy - 0.05, 0.0), min(accuracy + 0.05, 1.0)],
    }


def certified_row(epsilon_255: int, robust: int, unknown: int) -> dict[str, Any]:
    return {
        "network": "robust",
        "norm": "linf",
        "epsilon_255": epsilon_255,
        "images": 200,
        "robust": robust,
        "adversarial": 200 - robust - unknown,
        "unknown": unknown,
        "nodes": 2000,
        "tiers": {"intervals": robust, "flip": 200 - robust - unknown, "none": unknown},
    }


def layer(name: str, lut: int, estimate: dict[str, float] | None) -> dict[str, Any]:
    size = {"name": name, "op_type": name.rpartition("_")[0], "lut": lut, "ff": 2 * lut}
    return {**size, "dsp": 0, "bram36": 0.5, **({"estimate": estimate} if estimate else {})}


def minimal_document() -> dict[str, Any]:
    """Nothing but what the issue's schema asks for."""
    resources = {"lut": 300, "ff": 600, "dsp": 0, "bram36": 1.0}
    layers = [layer("MVAU_rtl_0", 200, {"lut": 150.0}), layer("StreamingFIFO_rtl_0", 100, None)]
    return {
        "schema": 1,
        "model": {
            "name": "digits",
            "dataset": "digits",
            "weight_bits": [4, 4],
            "activation_bits": [4],
        },
        "accuracy": {"brevitas": 0.98, "qonnx": 0.98, "integer": 0.975},
        "agreement": {
            "brevitas_vs_qonnx": {"images": 360, "labels_differ": 0},
            "finn_vs_integer": {"images": 64, "logits_differ": 0},
            "integer_vs_rtlsim": {"images": 128, "logits_differ": 0},
        },
        "robust_accuracy": [
            robust_row("robust", 16, 0.9),
            robust_row("robust", 32, 0.75),
            robust_row("plain", 16, 0.8),
            robust_row("plain", 32, 0.15),
        ],
        "hardware": {
            "part": "xc7z020clg400-1",
            "clock_mhz": 100.0,
            "cycles_per_frame_predicted": 9216,
            "cycles_per_frame_measured": 9216,
            "frames_per_second": 10850.7,
            "resources": {**resources, "per_layer": layers},
        },
        "timings_s": {"train": 138.2, "attack": 12.0},
    }


def board_run() -> dict[str, Any]:
    """A board behind a server that lost three requests."""
    return {
        "network": "robust",
        "board": "Zynq board",
        "digest": "ab" * 16,
        "clock_mhz": 90.0,
        "queries": 1080,
        "requests": 9,
        "retries": 3,
        "cycles": 10_000_000,
        "seconds": 2.0,
        "link_s": 0.5,
        "test_set": {
            "images": 360,
            "images_differ": 0,
            "cycles_per_image": 9239.04,
            "images_per_second": 720.0,
            "link_share": 0.25,
        },
    }


def full_document() -> dict[str, Any]:
    """Every optional part as well."""
    document = minimal_document()
    document["model"] |= {"input_shape": [8, 8, 1], "layers": "one convolution"}
    document["hardware"] |= {
        "latency_cycles": 10342,
        "initiation_interval_cycles": 9216,
        "capacity": {"lut": 53200, "ff": 106400, "dsp": 220, "bram36": 140},
    }
    use = {"digest": "ab" * 16, "clock_mhz": 90.0, "queries": 720, "seconds": 1.5}
    document["robust_accuracy"][0] |= {"engine": "board", "board": use}
    depths = [("input", 0.2), ("MVAU_rtl_0", 0.3)]
    return document | {
        "plain_accuracy": 0.97,
        "boards": [board_run()],
        "certified": [certified_row(16, 170, 0), certified_row(32, 120, 24)],
        "noise_accuracy": [{"network": "robust", "epsilon_255": 32, "accuracy": 0.97}],
        "amplification": [
            {"network": "robust", "layer": name, "distance": d, "ci95": [d - 0.01, d + 0.01]}
            for name, d in depths
        ],
        "training": {"robust": [{"epoch": 1, "loss": 2.0, "accuracy": 0.4}], "plain": []},
        "seed": 0,
        "settings": {"name": "<digits> & more"},
        "tool_versions": {"torch": "2.13.0"},
        "machine": {"cores": 2},
    }


@cache
def examples() -> tuple[Example, ...]:
    images, labels = digits().test_images[:40], digits().test_labels[:40]
    attack, network = build_attack("fgsm", steps=1, restarts=1), digits_network()
    found = evaluate(network, images, labels, attack, 32, seed=0, network="plain").adversarial
    return pick_examples(images, labels, {"plain": found}, {"plain": network}, epsilon_255=32)
