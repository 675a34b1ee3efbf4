# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What an accelerator takes of its part, as a record for JSON and as a table for people."""

from collections.abc import Sequence
from typing import Any

from hw.accelerator import Estimate, Manifest
from hw.parts import Part
from hw.synth import Resources, SynthesisReport

__all__ = ["estimated", "layer_table", "resource_table", "resources_record"]

_COLUMNS = ("LUT", "FF", "DSP", "BRAM36")
_PACKED = "packed"  # LUT sites where pairs share one


def estimated(manifest: Manifest) -> dict[str, float]:
    """Return the sum of the estimates of all layers and FIFOs; flip-flops are not estimated."""
    estimates = [layer.estimate for layer in manifest.layers]
    parts = [_estimate(found) for found in (*estimates, *(f.estimate for f in manifest.fifos))]
    return {name: sum(part[name] for part in parts) for name in ("lut", "dsp", "bram36")}


def resources_record(manifest: Manifest, found: SynthesisReport | None) -> dict[str, Any]:
    """Return estimate, capacity and, if there was a synthesis, resources by layer.

    The two last are hardware.resources and hardware.capacity of flow.report.schema.
    """
    part = manifest.device
    record: dict[str, Any] = {
        "estimate": estimated(manifest),
        "capacity": {"lut": part.lut, "ff": part.ff, "dsp": part.dsp, "bram36": part.bram36},
    }
    if found is not None:
        layers = [
            {
                "name": layer.name,
                "op_type": layer.op_type,
                **_counts(layer.resources),
                "estimate": _estimate(layer.estimate),
            }
            for layer in found.layers
        ]
        record["resources"] = {**_counts(found.total), "per_layer": tuple(layers)}
    return record


def resource_table(manifest: Manifest, found: SynthesisReport | None) -> list[str]:
    """Return lines: LUT, FF, DSP and BRAM by Yosys and by estimate, in numbers and per cent.

    Where small LUTs can share a site, Yosys' LUTs are a bracket: one by one, and packed.
    """
    part, guess = manifest.device, estimated(manifest)
    limits = (part.lut, part.ff, part.dsp, part.bram36)
    rows: list[tuple[str, Sequence[float | None]]] = []
    if found is not None:
        total = found.total
        rows.append(("by Yosys", (total.lut, total.ff, total.dsp, total.bram36)))
        if total.lut_shared:
            rows.append(("  small LUTs in pairs", (total.lut_packed, None, None, None)))
    rows.append(("by estimate", (guess["lut"], None, guess["dsp"], guess["bram36"])))
    lines = [_line("", _COLUMNS)]
    for label, values in rows:
        cells = [_share(value, limit) for value, limit in zip(values, limits, strict=True)]
        lines.append(_line(label, cells))
    return [*lines, _line(_named(part), [f"{limit:,}" for limit in limits])]


def layer_table(found: SynthesisReport) -> list[str]:
    """Return a line for each layer and FIFO."""
    width = max(len(layer.name) for layer in found.layers)
    lut, *rest = _COLUMNS
    head = f"{'':{width}} " + "".join(f"{name:>10}" for name in (lut, _PACKED, *rest))
    return [head] + [
        f"{layer.name:{width}} " + "".join(f"{value:>10,}" for value in _values(layer.resources))
        for layer in found.layers
    ]


def _values(found: Resources) -> tuple[float, ...]:
    return (found.lut, found.lut_packed, found.ff, found.dsp, found.bram36)


def _line(label: str, cells: Sequence[str]) -> str:
    return f"{label:28}" + "".join(f"{cell:>18}" for cell in cells)


def _share(value: float | None, limit: int) -> str:
    if value is None:
        return "-"
    number = f"{value:,.1f}" if value % 1 else f"{value:,.0f}"
    return f"{number} {100 * value / limit:6.1f}%"


def _named(part: Part) -> str:
    return f"{part.name} holds"


def _estimate(found: Estimate) -> dict[str, float]:
    return {"lut": found.lut, "dsp": found.dsp, "bram36": found.bram18 / 2}


def _counts(resources: Resources) -> dict[str, int | float]:
    return {
        "lut": resources.lut,
        "lut_packed": resources.lut_packed,
        "lut_memory": resources.lut_memory,
        "ff": resources.ff,
        "dsp": resources.dsp,
        "bram36": resources.bram36,
    }
