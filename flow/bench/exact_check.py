# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Whole test sets and many random graphs through every engine; differences image by image."""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brevitas_models.pretrained import load
from flow.classifier import Images, Logits
from flow.cluster import Cluster, Work
from flow.data.datasets import first_test_images
from flow.export.qonnx import load_qonnx, qonnx_logits
from flow.fuzz import GraphSpec, draw
from flow.fuzz.agreement import TIE, GraphAgreement, compare_graph, nearest_tie
from flow.integer.native import Kernels, NativeNetwork, instruction_sets
from flow.lowering import lower, read_model
from flow.progress import banner
from flow.tables import Row
from flow.zoo import networks as zoo

__all__ = ["check_graphs", "check_model"]

_KINDS = {
    "bytes": Kernels(planes=0, tables=False),
    "bytes, in 16 bits": Kernels(planes=0, tables=False, shorts=True),
    "bits": Kernels(planes=2, tables=False),
    "look-ups, in 16 bits": Kernels(planes=0, tables=True, shorts=True),
}
_CHUNK = 250  # images that one process executes with qonnx at a time


def check_model(name: str, data: Path | None, count: int | None, cluster: Cluster) -> Iterator[Row]:
    """Yield a row for each way to compute the model: its logits against the native engine's.

    Labels that differ are listed image by image on standard error, with the value that was
    nearest to a rounding boundary.
    """
    images, _ = first_test_images(zoo.dataset(name, data), count, "images")
    with tempfile.TemporaryDirectory(prefix="steelflow-bench-") as folder:
        path = Path(folder) / "model.onnx"
        zoo.export(name, path)
        network = lower(read_model(path)).network
        found = NativeNetwork(network).logits(images)
        engines: dict[str, Callable[[], Logits]] = {
            "qonnx": lambda: _in_qonnx(path, images, cluster),
            "brevitas": lambda: zoo.brevitas_logits(load(name), images),
            "twin": lambda: _in_twin(network.twin().layered, images),
            "twin, native": lambda: _in_twin(network.twin(), images),
        }
        for title, isa, kernels in _kernel_sets():
            native = NativeNetwork(network, isa=isa, kernels=kernels)
            engines[title] = partial(native.logits, images)
        for rival, logits in engines.items():
            start = time.perf_counter()
            theirs = logits()
            row = _row(name, rival, time.perf_counter() - start)
            yield row | _compared(found, theirs, path, images)


def _kernel_sets() -> Iterator[tuple[str, str, Kernels | None]]:
    """Yield each instruction set with the kernels that it takes, then with each kind alone."""
    for isa in instruction_sets():
        yield f"{isa} kernels", isa, None
        if isa != "portable":
            for title, kernels in _KINDS.items():
                yield f"{isa} kernels of {title}", isa, kernels


def _row(subject: str, rival: str, seconds: float) -> dict[str, object]:
    return {"subject": subject, "against": rival, "seconds": round(seconds, 1)}


def _compared(ours: Logits, theirs: Logits, path: Path, images: Images) -> dict[str, object]:
    differ = np.flatnonzero((ours != theirs).any(axis=1))
    model, ties = load_qonnx(path).model, 0
    for index in differ:
        tie = nearest_tie(model, images[index], nchw=False)
        ties += tie.distance < TIE
        banner(
            f"image {index}: labels {ours[index].argmax()} and {theirs[index].argmax()}; "
            f"nearest to a boundary in {tie.node}, {tie.distance:.1e} of the value"
        )
    return {
        "images": len(images),
        "images_differ": len(differ),
        "labels_differ": int((ours.argmax(axis=1) != theirs.argmax(axis=1)).sum()),
        "decided_by_rounding": ties,
    }


def _in_twin(twin: Callable[[Tensor], Tensor], images: Images) -> Logits:
    with torch.no_grad():
        parts = [
            twin(torch.from_numpy(images[start : start + _CHUNK]).float())
            for start in range(0, len(images), _CHUNK)
        ]
    return torch.cat(parts).double().round().numpy().astype(np.int32)


def _in_qonnx(path: Path, images: Images, cluster: Cluster) -> Logits:
    chunks = [images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK)]
    work: Work[Images, NDArray[np.int32]] = Work(
        name="qonnx logits",
        version=1,
        do=_executed,
        shared=path.read_bytes(),
        floats=True,
        unit="images",
    )
    parts = cluster.map(work, chunks, total=len(images), title="qonnx", count=len)
    return np.concatenate(list(parts))


def _executed(model: bytes, images: Images) -> NDArray[np.int32]:
    with tempfile.TemporaryDirectory(prefix="steelflow-bench-") as folder:
        path = Path(folder, "model.onnx")
        path.write_bytes(model)
        return qonnx_logits(path, images)


def check_graphs(count: int, cluster: Cluster) -> Iterator[Row]:
    """Yield a row for graphs with power-of-two scales, where float32 is exact, and for others."""
    specs = [replace(draw(seed), ending="") for seed in range(count)]
    for dyadic, title in ((True, "power-of-two"), (False, "float")):
        yield _graphs(cluster, [s for s in specs if s.dyadic is dyadic], f"{title} scales")


def _graphs(cluster: Cluster, specs: list[GraphSpec], title: str) -> Row:
    start, found = time.perf_counter(), list[GraphAgreement]()
    work: Work[GraphSpec, GraphAgreement] = Work(
        name="random graph", version=1, do=_graph, floats=True, unit="graphs"
    )
    graphs = cluster.map(work, specs, total=len(specs), title=f"random graphs, {title}")
    for spec, graph in zip(specs, graphs, strict=True):
        found.append(graph)
        if graph.engines_differ or graph.qonnx_differs > graph.ties:
            banner(f"differs, and no tie explains it: {spec.to_json()}")
    row = _row(f"{len(specs)} random graphs, {title}", "qonnx", time.perf_counter() - start)
    return row | {
        "images": sum(graph.images for graph in found),
        "images_differ": sum(graph.qonnx_differs + graph.engines_differ for graph in found),
        "labels_differ": None,
        "decided_by_rounding": sum(graph.ties for graph in found),
    }


def _graph(_prepared: None, spec: GraphSpec) -> GraphAgreement:
    return compare_graph(spec)
