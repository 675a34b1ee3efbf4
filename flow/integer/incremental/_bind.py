# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A program in the memory layout of src/program.hpp."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow.integer.incremental._library import ABI, CNode, CProgram, CSource
from flow.integer.incremental._program import (
    Linear,
    MaxNode,
    Node,
    Program,
    Source,
    ThresholdNode,
)
from flow.integer.operations import Integers

__all__ = ["Bound", "grouped"]

_IMAGE, _LINEAR, _THRESHOLD, _MAX = range(4)  # Kind of src/program.hpp


class Bound:
    """The structures for C++, and all that they point to."""

    def __init__(self, program: Program) -> None:
        self._held: list[Any] = []
        nodes = (CNode * len(program.nodes))(*(self._node(node) for node in program.nodes))
        self._held.append(nodes)
        self.program = CProgram(
            abi=ABI, wide=program.wide, node_count=len(program.nodes), nodes=nodes
        )

    def _keep(self, values: Integers, kind: type[Any]) -> int:
        array: NDArray[Any] = np.ascontiguousarray(values, dtype=kind)
        assert (array == values).all()
        self._held.append(array)
        return int(array.ctypes.data)

    def _node(self, node: Node) -> CNode:
        found = CNode(kind=_IMAGE, size=node.size, channels=node.channels)
        match node:
            case Linear(sources=sources, base=base):
                found.kind = _LINEAR
                self._set_sources(found, [self._source(one) for one in sources])
                found.base = self._keep(base, np.int64)
            case ThresholdNode(source=source, operation=operation):
                found.kind = _THRESHOLD
                self._set_sources(found, [CSource(node=source)])
                found.thresholds = self._keep(operation.thresholds, np.int64)
                found.rows, found.levels = operation.thresholds.shape
                found.offset, found.step = operation.offset, operation.step
            case MaxNode(source=source, positions=positions, pairs=pairs):
                found.kind = _MAX
                self._set_sources(found, [CSource(node=source)])
                start, order = grouped(pairs[:, 0], positions)
                found.start = self._keep(start, np.int32)
                found.out = self._keep(pairs[order, 1], np.int32)
                start, order = grouped(pairs[:, 1], node.size // node.channels)
                found.back_start = self._keep(start, np.int32)
                found.back_in = self._keep(pairs[order, 0], np.int32)
        return found

    def _set_sources(self, node: CNode, sources: list[CSource]) -> None:
        held = (CSource * len(sources))(*sources)
        self._held.append(held)
        node.source_count, node.sources = len(sources), held

    def _source(self, source: Source) -> CSource:
        start, order = grouped(source.entries[:, 0], source.positions)
        return CSource(
            node=source.node,
            channels=source.channels,
            length=source.length,
            group=source.group,
            group_step=source.group_step,
            start=self._keep(start, np.int32),
            out=self._keep(source.entries[order, 1], np.int32),
            row=self._keep(source.entries[order, 2], np.int32),
            weights=self._keep(source.weights, np.int32),
            variant_size=source.weights.shape[1],
        )


def grouped(keys: Integers, count: int) -> tuple[Integers, Integers]:
    """Return where each key's entries start, int64[count + 1], and the entries in that order."""
    order = np.argsort(keys, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=count))])
    return start.astype(np.int64), order.astype(np.int64)
