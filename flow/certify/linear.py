# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Linear bounds by back-substitution through staircases, in integers.

A margin is pulled back layer by layer (CROWN, Zhang et al. 2018; DeepPoly, Singh et al. 2019): a
threshold is replaced by the line below it where its coefficient is positive and by the line above
it elsewhere. Slopes are dyadic and intercepts exact (flow.certify.staircase), so that a bound is
an integer over a power of two, and its floor is proven. The inputs of the thresholds are bounded
by intervals; a maximum takes the ends of its own. Sums that might leave 64 bits end in
OverflowError.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from flow.certify._form import Form, Lines, product, refuse_large
from flow.certify.staircase import MOST_BITS, Line, Staircases, chosen_slopes
from flow.integer import IntegerNetwork
from flow.integer.incremental import Linear, MaxNode, Source, ThresholdNode, make_program
from flow.integer.operations import Integers

__all__ = ["MOST_WEIGHTS", "LinearBounds", "Lines"]

MOST_WEIGHTS = 8_000_000  # of a network whose layers are laid out as sparse matrices

_Ends = tuple[Integers, Integers]


class LinearBounds:
    """Bounds of one network's margins over boxes of images."""

    def __init__(self, network: IntegerNetwork) -> None:
        """Lay the layers out as sparse matrices int64[outputs, inputs].

        Raises:
            OverflowError: they have more than MOST_WEIGHTS entries.
            FlowError: see flow.integer.incremental.make_program.
        """
        self._nodes = make_program(network).nodes
        sums = [node for node in self._nodes if isinstance(node, Linear)]
        entries = sum(len(one.entries) * one.length * one.group for n in sums for one in n.sources)
        if entries > MOST_WEIGHTS:
            raise OverflowError(f"{entries:,} weights are more than {MOST_WEIGHTS:,}")
        self._matrices = {
            number: [self._matrix(node, one, 0) for one in node.sources]
            for number, node in enumerate(self._nodes[:-1])
            if isinstance(node, Linear)
        }

    def margins(
        self, low: NDArray[np.uint8], high: NDArray[np.uint8], label: int, *, precision: int
    ) -> tuple[Integers, dict[str, Lines]]:
        """Return lower bounds int64[K] of logit[label] - logit[j], and the lines that give them.

        Lines are by name of the threshold operation. Thresholds that read the image have none:
        each of their units stands alone, and both of its ends are taken.

        Args:
            low: uint8[H, W, C], the lowest image of the box.
            high: the highest.
            label: whose logit it is.
            precision: bits of the steepest slope of a layer.

        Raises:
            OverflowError: sums might leave 64 bits; fewer bits of precision may do.
        """
        image = low.reshape(-1).astype(np.int64), high.reshape(-1).astype(np.int64)
        ends, lines = [image], dict[str, Lines]()
        for number, node in enumerate(self._nodes[1:-1], start=1):
            ends.append(self._ends(number, ends))
            if isinstance(node, ThresholdNode) and node.source:
                below = ends[node.source]
                lines[node.operation.name] = _lines(node, below, ends[number], precision)
        return self._pulled_back(label, ends, lines), lines

    def _ends(self, number: int, ends: list[_Ends]) -> _Ends:
        """Return the interval of every value of a node."""
        match self._nodes[number]:
            case Linear() as node:
                return self._sums(number, node, ends)
            case MaxNode() as node:
                low, high = (_largest(node, end) for end in ends[node.source])
                return low, high
            case ThresholdNode() as node:
                shape = (1, -1, node.channels)
                found = (node.operation.apply(end.reshape(shape)) for end in ends[node.source])
                low, high = (end.reshape(-1) for end in found)
                return low, high
            case other:
                raise AssertionError(other)

    def _sums(self, number: int, node: Linear, ends: list[_Ends]) -> _Ends:
        low, high = node.base[0].copy(), node.base[0].copy()
        for source, weights in zip(node.sources, self._matrices[number], strict=True):
            up, down = weights.maximum(0), weights.minimum(0)
            below, above = ends[source.node]
            low += up @ below + down @ above
            high += up @ above + down @ below
        return low, high

    def _pulled_back(self, label: int, ends: list[_Ends], lines: dict[str, Lines]) -> Integers:
        last = self._nodes[-1]
        assert isinstance(last, Linear)
        form = Form(held={}, constant=last.base[label])
        for source in last.sources:
            form.reach(source.node, self._matrix(last, source, label).toarray())
        for number in range(len(self._nodes) - 2, 0, -1):
            coefficients = form.held.pop(number, None)
            if coefficients is None:
                continue
            match self._nodes[number]:
                case Linear() as node:
                    form.add(coefficients, node.base[0])
                    for source, weights in zip(node.sources, self._matrices[number], strict=True):
                        form.reach(source.node, product(coefficients, weights))
                case ThresholdNode() as node if node.source:
                    form.replace(node.source, coefficients, lines[node.operation.name])
                case _:
                    form.settle(coefficients, *ends[number])
        if 0 in form.held:
            form.settle(form.held[0], *ends[0])
        return form.constant >> form.bits

    def _matrix(self, node: Linear, source: Source, variant: int) -> sparse.csr_array:
        channel, inner = np.arange(source.channels), np.arange(source.length)
        entry = source.entries[:, None, None, :]  # [E, channels, length]
        group = channel // source.group * source.group_step
        inputs = entry[..., 0] * source.channels + channel[:, None]
        outputs = entry[..., 1] + group[:, None] + inner
        places = entry[..., 2] + (channel * source.length)[:, None] + inner
        weights = source.weights[variant if len(source.weights) > 1 else 0][places]
        kept = weights != 0
        pairs = outputs[kept], np.broadcast_to(inputs, weights.shape)[kept]
        shape = (node.size, self._nodes[source.node].size)
        return sparse.csr_array((weights[kept], pairs), shape=shape)


def _lines(node: ThresholdNode, inputs: _Ends, outputs: _Ends, precision: int) -> Lines:
    """Return the lines of every unit; flat ones where it is on one step."""
    units = np.flatnonzero(outputs[0] != outputs[1])
    refuse_large(np.abs(np.stack(inputs)) * 2.0 ** (precision + 3))
    refuse_large(np.abs(np.stack(outputs)) * 2.0**MOST_BITS)
    ends = inputs[0][units], inputs[1][units]
    found = chosen_slopes(Staircases(node.operation, *ends, units % node.channels), precision)
    whole = []
    for line in found:
        slope, intercept = np.zeros(node.size, np.int64), outputs[0] << line.bits
        slope[units], intercept[units] = line.slope, line.intercept
        whole.append(Line(slope=slope, intercept=intercept, bits=line.bits))
    return Lines(below=whole[0], above=whole[1])


def _largest(node: MaxNode, end: Integers) -> Integers:
    found = np.full((node.size // node.channels, node.channels), np.iinfo(np.int64).min)
    np.maximum.at(found, node.pairs[:, 1], end.reshape(-1, node.channels)[node.pairs[:, 0]])
    return found.reshape(-1)
