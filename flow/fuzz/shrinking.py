# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From a network that shows a fault to the simplest one that does."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

from flow.fuzz.spec import Block, GraphSpec

__all__ = ["shrink", "simplest"]


def shrink(spec: GraphSpec) -> Iterator[GraphSpec]:
    """Yield specifications with one thing simpler, the greatest steps first; see simplest."""
    for place in range(len(spec.blocks)):
        yield replace(spec, blocks=spec.blocks[:place] + spec.blocks[place + 1 :])
    plain = GraphSpec(seed=spec.seed)
    height, width, channels = spec.image
    smaller: list[dict[str, Any]] = [
        {"image": (max(height // 2, 1), max(width // 2, 1), channels)},
        {"image": (height, width, 1)},
        {"classes": max(spec.classes // 2, 1)},
        *(
            {key: getattr(plain, key)}
            for key in ("nchw", "pooled", "weight_bits", "bias", "ending", "cycles")
        ),
        {"dyadic": True},
    ]
    yield from _different(spec, smaller)
    for place, block in enumerate(spec.blocks):
        for simpler in _simpler(block):
            yield replace(spec, blocks=(*spec.blocks[:place], simpler, *spec.blocks[place + 1 :]))


def simplest(
    spec: GraphSpec, fails: Callable[[GraphSpec], bool], tries: int | None = None
) -> GraphSpec:
    """Return a specification that still fails, and of which no simpler one does.

    Args:
        spec: one that fails.
        fails: asked of each simpler one.
        tries: how often, at most.
    """
    left = tries
    candidates = shrink(spec)
    while left != 0 and (simpler := next(candidates, None)) is not None:
        left = None if left is None else left - 1
        if fails(simpler):
            spec, candidates = simpler, shrink(simpler)
    return spec


def _simpler(block: Block) -> Iterator[Block]:
    default = Block()
    changes: list[dict[str, Any]] = [{"channels": max(block.channels // 2, 1)}]
    names = [name for name in asdict(block) if name not in ("kind", "channels")]
    changes += [{name: getattr(default, name)} for name in names]
    if block.kind != "conv":
        changes.append({"kind": "conv"})
    yield from (replace(block, **change) for change in changes if replace(block, **change) != block)


def _different(spec: GraphSpec, changes: list[dict[str, Any]]) -> Iterator[GraphSpec]:
    yield from (replace(spec, **change) for change in changes if replace(spec, **change) != spec)
