# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Margins over a box, pulled back from the output in Python's integers."""

from collections.abc import Sequence

import numpy as np

from .network import Ends, Fields, Ints, Network, WrongCertificate, apply, unpack

__all__ = ["margins"]

FAR = 2**300  # beyond all values


def margins(network: Network, ends: dict[str, Ends], label: int, lines: Fields) -> Ints:
    """Return lower bounds [N, K] of logit[label] - logit[j] over the boxes that `ends` are of.

    A threshold becomes the lines below and above it where there are some, which is for one box;
    else it, a maximum and the image take their ends.
    """
    if lines and len(ends["image"][0]) != 1:
        raise WrongCertificate("its lines are for a single box")
    units = np.eye(network.classes, dtype=np.int64).astype(object)
    held, constant, bits = {network.output: units[label] - units}, units[0] * 0, 0
    steps = [*zip(network.operations, network.reads, strict=True)]
    for operation, read in reversed(steps):
        if (form := held.pop(operation["name"], None)) is None:
            continue
        up, down = np.maximum(form, 0), np.minimum(form, 0)
        if operation["name"] in lines:
            below, under, above, over, more = staircase(operation, ends[read[0]], lines)
            held, bits = {name: one << more for name, one in held.items()}, bits + more
            constant = (constant << more) + up @ under + down @ over
            held[read[0]] = held.get(read[0], 0) + up * below + down * above
        elif operation["kind"] in ("Threshold", "MaxPool"):
            constant = constant + settled(form, ends[operation["name"]])
        else:
            base, matrices = weights(operation, [ends[name][0][0] for name in read])
            constant = constant + form @ base
            for name, one in zip(read, matrices, strict=True):
                held[name] = held.get(name, 0) + form @ one.T
    constant = constant + settled(held.get("image", units[:, :0]), ends["image"])
    return np.asarray(constant >> bits)


def settled(form: Ints, ends: Ends) -> Ints:
    """Return the least sums [N, K] of coefficients times values, each at one of its ends."""
    if not form.shape[1]:
        return np.zeros((len(ends[0]), len(form)), object)
    low, high = (end.reshape(len(end), -1) for end in ends)
    return np.asarray(low @ np.maximum(form, 0).T + high @ np.minimum(form, 0).T)


def weights(operation: Fields, inputs: Sequence[Ints]) -> tuple[Ints, list[Ints]]:
    """Return what a linear operation makes of zeros, and adds for each input's unit vectors."""
    if "matrices" not in operation:
        sizes = [one.size for one in inputs]
        ends = np.cumsum([1, *sizes])
        batches = [np.zeros((ends[-1], one.size), np.int64) for one in inputs]
        for batch, start, size in zip(batches, ends, sizes, strict=False):
            batch[start : start + size] = np.eye(size, dtype=np.int64)
        shaped = [b.reshape(-1, *one.shape) for b, one in zip(batches, inputs, strict=True)]
        found = apply(operation, [(one, one) for one in shaped])[0].reshape(ends[-1], -1)
        rows = (found - found[0]).astype(object)
        operation["matrices"] = found[0].astype(object), np.split(rows[1:], ends[1:-1] - 1)
    base, matrices = operation["matrices"]
    return base, matrices


def staircase(operation: Fields, ends: Ends, lines: Fields) -> tuple[Ints, Ints, Ints, Ints, int]:
    """Return slope and intercept of the lines below and above, and the bits of their fractions."""
    low, high = (end.reshape(-1, 1) for end in ends)
    rows, own = np.sort(operation["thresholds"], axis=1), lines[operation["name"]]
    inside = rows[np.arange(low.size) % len(rows)].clip(low, high + 1)
    start = np.concatenate([low, inside, high + 1], axis=1).astype(object)
    taken, bits = start[:, :-1] < start[:, 1:], int(own["bits"])
    below, above = (unpack(own[side], "<i4").astype(object) for side in ("below", "above"))
    if min(below.min(initial=0), above.min(initial=0)) < 0:
        raise WrongCertificate(f"a line of {operation['name']} falls")
    steps = operation["step"] * np.arange(taken.shape[1]).astype(object)
    value = (operation["offset"] + steps) << bits
    under = np.where(taken, value - below[:, None] * (start[:, 1:] - 1), FAR).min(axis=1)
    over = np.where(taken, value - above[:, None] * start[:, :-1], -FAR).max(axis=1)
    return below, under, above, over, bits
