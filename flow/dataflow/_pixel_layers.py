# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Our own hardware layers for places: each writes the nodes and returns their output."""

from dataclasses import replace

import numpy as np

from flow.dataflow._graph import DataflowWriter, Tensor, smallest_datatype
from flow.integer import Interval
from flow.integer.operations import Integers
from flow.integer.selection import Selection

__all__ = ["scale", "take"]


def take(writer: DataflowWriter, read: Tensor, selection: Selection, channels: int) -> Tensor:
    """Take rows and columns, ascending: drop, repeat columns, repeat rows, drop.

    Where all are repeated as often, nothing is dropped at the end; where each is taken at most
    once, nothing is repeated.
    """
    image = replace(read, shape=(*selection.size, channels))
    (rows, row_counts), (columns, column_counts) = (
        np.unique(places, return_counts=True) for places in (selection.rows, selection.columns)
    )
    kept = _select(writer, image, rows, columns)
    down, across = int(row_counts.max()), int(column_counts.max())
    wide, tall = len(columns) * across, len(rows) * down
    found = _repeat(writer, kept, (kept.shape[0] * kept.shape[1], 1), (len(rows), wide))
    found = _repeat(writer, found, (len(rows), wide), (tall, wide))
    return _select(writer, found, _first(row_counts), _first(column_counts))


def _first(counts: Integers) -> Integers:
    """Return the first `counts` of as many copies of each as the most have."""
    copies = np.arange(int(counts.max()))
    return np.flatnonzero((copies < counts[:, None]).reshape(-1))


def _select(writer: DataflowWriter, read: Tensor, rows: Integers, columns: Integers) -> Tensor:
    height, width, channels = read.shape
    if (len(rows), len(columns)) == (height, width):
        return read
    return writer.layer(
        "PixelSelect",
        [read.name],
        (len(rows), len(columns), channels),
        read.datatype,
        ImgDim=[height, width],
        NumChannels=channels,
        PE=1,
        inputDataType=read.datatype,
        KeptRows=rows.tolist(),
        KeptColumns=columns.tolist(),
    )


def _repeat(
    writer: DataflowWriter, read: Tensor, size: tuple[int, int], out: tuple[int, int]
) -> Tensor:
    """Repeat each row of the stream, seen as an image of `size`, to one with as many as `out`."""
    times = out[0] * out[1] // (size[0] * size[1])
    if times == 1:
        return read
    return writer.layer(
        "PixelRepeat",
        [read.name],
        (*out, read.channels),
        read.datatype,
        ImgDim=list(size),
        OutDim=list(out),
        NumChannels=read.channels,
        PE=1,
        inputDataType=read.datatype,
        Times=times,
    )


def scale(writer: DataflowWriter, read: Tensor, factors: Integers) -> Tensor:
    """Multiply each pixel by one of int64[H, W]."""
    most = int(factors.max())
    products = Interval(min(0, read.values.lo * most), max(0, read.values.hi * most))
    kind, datatype = smallest_datatype(Interval(0, most)), smallest_datatype(products)
    return writer.layer(
        "PixelScale",
        [read.name, writer.constant(factors, kind)],
        read.shape,
        datatype,
        ImgDim=list(read.shape[:2]),
        NumChannels=read.channels,
        PE=1,
        inputDataType=read.datatype,
        factorDataType=kind,
        outputDataType=datatype,
        inFIFODepths=[2],
    )
