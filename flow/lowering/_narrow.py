# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Sums of several scales that thresholds alone read, with the smallest multipliers that serve.

Lowering gives operands without a small common unit exact integer factors, of 30 bits and more. A
threshold does not need the exact sum, only on which side of it the sum is: _multipliers finds small
factors that keep every comparison, for all values in the proven ranges.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from flow.integer import Flatten, IntegerNetwork, MaxPool, Operation, Threshold
from flow.integer.operations import Integers
from flow.lowering._multipliers import Multipliers, smallest_multipliers, why_none
from flow.lowering._weighted_sums import Parts, WeightedSum, weighted_sum

__all__ = ["narrowed"]

_SMALL = 2**8  # factors that are left as they are
Cuts = frozenset[int]


def narrowed(
    network: IntegerNetwork, factors: Mapping[str, Integers]
) -> tuple[IntegerNetwork, tuple[str, ...]]:
    """Return an equal network with smaller multipliers, and notes on what was proven.

    Args:
        network: any.
        factors: as for weighted_sum.
    """
    notes: list[str] = []
    for operation in network.operations:
        readers = _thresholds(network, operation.name)
        found = weighted_sum(network, operation, factors) if readers else None
        if found is None or _largest(found.parts) <= _SMALL:
            continue
        chosen = _chosen(found, _cuts(network, operation.name, readers))
        if isinstance(chosen, str):
            bits = network.ranges()[operation.name].magnitude().bit_length() + 1
            notes.append(
                f"{operation.name}: the scales of what it adds need sums of {bits} bits "
                f"({chosen}); one shared quantizer or fewer bits for its inputs make them small"
            )
            continue
        notes.append(_note(operation.name, found.parts, chosen))
        network = _rewritten(network, operation.name, readers, found, chosen)
    return network, tuple(notes)


def _largest(channels: Sequence[Parts]) -> int:
    return max((abs(part.weight) for parts in channels for part in parts), default=0)


def _thresholds(network: IntegerNetwork, name: str) -> list[Threshold]:
    """Return the thresholds that read a sum or its maxima; none if something else does too."""
    found: list[Threshold] = []
    if name == network.output:
        return []
    for reader in network.readers(name):
        behind = [reader] if isinstance(reader, Threshold) else []
        if isinstance(reader, MaxPool | Flatten):
            behind = _thresholds(network, reader.name)
        if not behind:
            return []
        found += behind
    return found


def _cuts(network: IntegerNetwork, name: str, readers: Sequence[Threshold]) -> list[Cuts]:
    """Return each channel's thresholds within the range of the sums."""
    channels, values = network.shapes[name][-1], network.ranges()[name]
    found: list[set[int]] = [set() for _ in range(channels)]
    for reader in readers:
        rows = np.broadcast_to(
            reader.thresholds, (max(len(reader.thresholds), channels), reader.thresholds.shape[1])
        )
        for place, row in enumerate(rows):
            found[place % channels].update(row[(row > values.lo) & (row <= values.hi)].tolist())
    return [frozenset(cuts) for cuts in found]


def _chosen(found: WeightedSum, cuts: Sequence[Cuts]) -> list[Multipliers] | str:
    """Return the multipliers of each channel; the reason if one has none."""
    joint: dict[Parts, Cuts] = {}
    for parts, own in zip(found.parts, cuts, strict=True):
        joint[parts] = joint.get(parts, frozenset()) | own
    known: dict[tuple[Parts, Cuts], Multipliers | None] = {}
    chosen = []
    for parts, own in zip(found.parts, cuts, strict=True):
        key = parts, joint[parts] if found.shared else own
        if key not in known:
            known[key] = _smallest(*key)
        result = known[key]
        if result is None:
            return why_none(parts, sorted(key[1]))
        chosen.append(result)
    return chosen


def _smallest(parts: Parts, cuts: Cuts) -> Multipliers | None:
    """Return multipliers, zeros where nothing varies or nothing is decided."""
    varies = any(part.weight and part.span > 1 for part in parts)
    if not cuts or not varies:
        return Multipliers((0,) * len(parts), dict.fromkeys(cuts, 0), 1) if not cuts else None
    return smallest_multipliers(parts, sorted(cuts))


def _note(name: str, channels: Sequence[Parts], chosen: Sequence[Multipliers]) -> str:
    largest = max(abs(value) for found in chosen for value in found.values)
    return (
        f"{name}: the scales of what it adds have no small common unit; factors of at most "
        f"{largest} instead of {_largest(channels)} are proven to keep every decision of its "
        f"quantizer (for up to {max(found.choices for found in chosen)} values of the parts)"
    )


def _rewritten(
    network: IntegerNetwork,
    name: str,
    readers: Sequence[Threshold],
    found: WeightedSum,
    chosen: Sequence[Multipliers],
) -> IntegerNetwork:
    """Return the network with new weights, and with the thresholds that belong to them."""
    old = network.ranges()[name]
    changed = found.with_values([item.values for item in chosen])
    wide = _with(network, changed)
    new = wide.ranges()[name]
    cuts: dict[str, tuple[Operation, ...]] = {}
    for reader in readers:
        rows = np.broadcast_to(
            reader.thresholds,
            (max(len(reader.thresholds), len(chosen)), reader.thresholds.shape[1]),
        )
        moved = [
            [
                new.lo if cut <= old.lo else new.hi + 1 if cut > old.hi else own.cuts[cut]
                for cut in row
            ]
            for row, own in zip(rows.tolist(), _cycle(chosen, len(rows)), strict=True)
        ]
        clipped = np.clip(np.array(moved, dtype=np.int64).reshape(rows.shape), new.lo, new.hi + 1)
        cuts[reader.name] = (replace(reader, thresholds=clipped),)
    return _with(wide, cuts)


def _cycle(chosen: Sequence[Multipliers], count: int) -> list[Multipliers]:
    return [chosen[place % len(chosen)] for place in range(count)]


def _with(network: IntegerNetwork, changed: Mapping[str, tuple[Operation, ...]]) -> IntegerNetwork:
    """Return a network in which some operations are others; each names what it reads."""
    named = [
        replace(operation, inputs=network.sources[operation.name])
        for operation in network.operations
    ]
    operations = [new for item in named for new in changed.get(item.name, (item,))]
    return IntegerNetwork(tuple(operations), network.input_shape, network.scale, network.offset)
