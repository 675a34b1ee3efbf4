# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From a FINN dataflow graph with generated RTL to an `Accelerator` folder."""

import json
import math
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from hw.accelerator import (
    MANIFEST_FILE,
    SCHEMA,
    Accelerator,
    Fifo,
    Layer,
    Manifest,
)
from hw.accelerator.checksum import folder_checksum
from hw.accelerator.preprocessing import Preprocessing
from hw.errors import HardwareError
from hw.finn.session import finn_build_dir
from hw.layers import register
from hw.layers.estimates import fifo_estimate
from hw.parts import find_part
from hw.stitch._blocks import Block, read_block, refuse_unsupported
from hw.stitch._endpoints import image_input, logit_output
from hw.stitch._wiring import connect
from hw.stitch.netlist import Netlist, render_depths, render_top

__all__ = ["StitchPlan", "plan_stitch", "stitch", "with_fifo_depths"]

_DEPTHS = "rtl/fifo_depths_pkg.sv"
_TOOLS = ("finn-plus", "qonnx", "numpy")


@dataclass(frozen=True)
class StitchPlan:
    """All files of an accelerator but the manifest, and the manifest with no checksum yet."""

    files: Mapping[str, bytes]
    manifest: Manifest


def stitch(
    model: ModelWrapper,
    folder: Path,
    *,
    name: str,
    part: str,
    clock_mhz: float,
    logit_scale: float,
    logit_offset: float | Sequence[float] = 0.0,
    preprocessing: Preprocessing | None = None,
) -> Accelerator:
    """Write a dataflow graph as an accelerator folder that can be copied anywhere.

    Args:
        model: FINN dataflow graph after InsertDWC, InsertFIFO, SpecializeLayers and PrepareIP;
            every node RTL, node names unique, one input UINT8 [1, H, W, C], one output.
        folder: what is written; an accelerator that is there already is replaced at the end.
        name: of the accelerator, an SystemVerilog identifier; the top module is `<name>_top`.
        part: name of a known FPGA part, which FINN's resource estimates are for.
        clock_mhz: the clock that frame rates are computed with.
        logit_scale: float logit = logit_scale * integer logit + logit_offset.
        logit_offset: one for all classes or one for each.
        preprocessing: of the model's own input; it stays outside.

    Raises:
        HardwareError: listing every node that cannot be stitched; a name that is no identifier;
            a stream with several readers; an input that is not UINT8 NHWC; an unknown part.
    """
    plan = plan_stitch(
        model,
        name=name,
        part=part,
        clock_mhz=clock_mhz,
        logit_scale=logit_scale,
        logit_offset=logit_offset,
        preprocessing=preprocessing,
    )
    return _write(plan, folder)


def with_fifo_depths(
    accelerator: Accelerator,
    depths: Mapping[str, int],
    folder: Path,
    *,
    cycles_measured: float | None = None,
    memory_words_proven: int | None = None,
) -> Accelerator:
    """Write a copy of an accelerator whose FIFOs have other depths; no other RTL changes.

    Args:
        accelerator: is not changed; `folder` may be the same one.
        depths: FIFO name -> beats, at least 2; FIFOs left out keep theirs.
        folder: what is written.
        cycles_measured: a frame, in simulation with these depths.
        memory_words_proven: by hw.proof; by default what the accelerator has.

    Raises:
        HardwareError: an unknown FIFO or a depth below 2.
    """
    manifest = accelerator.manifest
    known = {fifo.name for fifo in manifest.fifos}
    for name, depth in depths.items():
        if name not in known or depth < 2:
            raise HardwareError(
                f"FIFO depths: {name}: {depth} is no depth of a FIFO of {manifest.name}; "
                "give FIFOs of the manifest and at least 2 beats"
            )
    fifos = tuple(_with_depth(f, depths.get(f.name, f.depth), manifest) for f in manifest.fifos)
    files = {
        path.relative_to(accelerator.folder).as_posix(): path.read_bytes()
        for path in sorted(accelerator.folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST_FILE
    }
    files[_DEPTHS] = render_depths(manifest.name, fifos).encode()
    changed = replace(
        manifest,
        fifos=fifos,
        cycles_measured=cycles_measured,
        memory_words_proven=memory_words_proven or manifest.memory_words_proven,
    )
    return _write(StitchPlan(files, changed), folder)


def plan_stitch(
    model: ModelWrapper,
    *,
    name: str,
    part: str,
    clock_mhz: float,
    logit_scale: float,
    logit_offset: float | Sequence[float] = 0.0,
    preprocessing: Preprocessing | None = None,
) -> StitchPlan:
    """Work out what `stitch` writes; same arguments and errors."""
    if re.fullmatch(r"[A-Za-z]\w*", name) is None:
        raise HardwareError(
            f"accelerator name {name!r} is no SystemVerilog identifier; "
            "use letters, digits and underscores"
        )
    register()
    refuse_unsupported(model)
    with tempfile.TemporaryDirectory() as scratch, finn_build_dir(Path(scratch)):
        blocks = [read_block(node, part) for node in model.graph.node]
        image = image_input(model, preprocessing)
        logits = logit_output(model, logit_scale, logit_offset)
        fifos = tuple(_fifo(model, block) for block in blocks if block.fifo_depth is not None)
    netlist = connect(model, blocks, name)
    files = _files(netlist, blocks, fifos)
    layers = tuple(_layer(block) for block in blocks if block.fifo_depth is None)
    manifest = Manifest(
        schema=SCHEMA,
        name=name,
        top=f"{name}_top",
        part=part,
        device=find_part(part),
        clock_mhz=float(clock_mhz),
        input=image,
        output=logits,
        layers=layers,
        fifos=fifos,
        streams=tuple(netlist.streams),
        cycles_per_frame_predicted=max(layer.cycles_predicted for layer in layers),
        sources=_compilation_order(files),
        checksum="",
        tool_versions={tool: version(tool) for tool in _TOOLS},
    )
    return StitchPlan(files, manifest)


def _files(netlist: Netlist, blocks: list[Block], fifos: tuple[Fifo, ...]) -> dict[str, bytes]:
    files = {name: content for block in blocks for name, content in block.files.items()}
    files[_DEPTHS] = render_depths(netlist.name, fifos).encode()
    files["top.sv"] = render_top(netlist).encode()
    return files


def _compilation_order(files: Iterable[str]) -> tuple[str, ...]:
    """Return the sources, packages first, the top last."""
    sources = [name for name in files if not name.startswith("memory/")]
    return tuple(sorted(sources, key=lambda name: (name == "top.sv", "_pkg." not in name)))


def _layer(block: Block) -> Layer:
    return Layer(
        name=block.name,
        op_type=block.op_type,
        module=block.module,
        sources=_compilation_order(block.files_in("rtl")),
        memory=block.files_in("memory"),
        folding=dict(block.folding),
        cycles_predicted=block.cycles,
        estimate=block.estimate,
    )


def _with_depth(fifo: Fifo, depth: int, manifest: Manifest) -> Fifo:
    estimate = fifo_estimate(depth, fifo.width_bits, fifo.ram_style, manifest.part)
    return replace(fifo, depth=depth, estimate=estimate)


def _fifo(model: ModelWrapper, block: Block) -> Fifo:
    assert block.fifo_depth is not None
    instance = getCustomOp(model.get_node_from_name(block.name))
    return Fifo(
        name=block.name,
        depth=block.fifo_depth,
        depth_default=block.fifo_depth,
        width_bits=block.inputs[0].width_bits,
        ram_style=block.fifo_ram_style,
        beats_per_frame=math.prod(map(int, instance.get_folded_input_shape()[:-1])),
        estimate=block.estimate,
    )


def _write(plan: StitchPlan, folder: Path) -> Accelerator:
    """Write into a folder beside `folder` and rename it, so that none is ever half-written."""
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        new = Path(scratch) / "new"
        for name, content in plan.files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(content)
        data = json.loads(json.dumps(asdict(plan.manifest)))
        data["checksum"] = folder_checksum(new, MANIFEST_FILE, data)
        (new / MANIFEST_FILE).write_text(json.dumps(data, indent=1, allow_nan=False) + "\n")
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        new.rename(folder)
    return Accelerator.load(folder)
