# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Memories of stitched networks, read back: all of them as they should be, and with one bit not."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import networks
import numpy as np
import pytest
from forked_network import Forked
from qonnx.core.modelwrapper import ModelWrapper

from flow.config import CompileConfig
from flow.dataflow import expected_memories, fold, generate_rtl, to_dataflow
from flow.integer import (
    Convolution,
    Dense,
    Flatten,
    IntegerNetwork,
    MaxPool,
    Operation,
    Scale,
    SumPool,
    Threshold,
)
from flow.lowering import lower
from hw.accelerator import Accelerator
from hw.errors import HardwareError
from hw.finn.session import finn_build_dir
from hw.proof import Memory, Weights, prove_memories

_Proven = tuple[Accelerator, dict[str, Memory]]


@pytest.fixture(scope="module")
def finns(
    accelerators: Mapping[str, Accelerator], rtl_graphs: Mapping[str, ModelWrapper]
) -> _Proven:
    """FINN's DSP units, several lanes."""
    network = lower(networks.rgb_qonnx()).network
    return accelerators["parallel"], expected_memories(network, rtl_graphs["parallel"])


@pytest.fixture(scope="module")
def ours(forked: Forked) -> _Proven:
    """Our LUT units, dense and depthwise, and a bias."""
    return forked.accelerators[0], expected_memories(forked.network, forked.graphs[0])


@pytest.fixture(scope="module")
def unusual(tmp_path_factory: pytest.TempPathFactory) -> _Proven:
    """Factors of pixels, groups, a sum of signs, thresholds from a zero point, one row for all."""
    folder, rng = tmp_path_factory.mktemp("unusual"), np.random.default_rng(1)
    sums = np.sort(rng.integers(-900, 900, (6, 15)), axis=1)
    operations: tuple[Operation, ...] = (
        Scale(name="scale", factors=rng.integers(1, 8, (4, 4))),
        Convolution(name="groups", weights=rng.integers(-3, 4, (1, 1, 2, 6)), groups=2),
        Threshold(name="zero_point", thresholds=sums, offset=-22),
        MaxPool(name="maxima", kernel=(2, 2), stride=(1, 1), padding=(1, 0, 0, 1)),
        Threshold(name="sign", thresholds=np.array([[-12]]), offset=-1, step=2),
        Convolution(
            name="padded", weights=rng.integers(1, 3, (2, 2, 1, 6)), groups=6, padding=(1, 0, 0, 1)
        ),
        Threshold(name="again", thresholds=np.array([[1]]), offset=-1, step=2),
        SumPool(name="votes", kernel=(2, 2), stride=(2, 2)),
        Flatten(name="flat"),
        Dense(name="logits", weights=rng.integers(-1, 2, (24, 5))),
    )
    network = IntegerNetwork(operations, (4, 4, 4), 1.0)
    with finn_build_dir(folder / "finn"):
        graph, _ = fold(to_dataflow(network, networks.PART), CompileConfig(target_fps=1e6))
        graph = generate_rtl(graph, networks.PART, 100.0)
    return networks.stitched(graph, folder / "a", "unusual"), expected_memories(network, graph)


@pytest.fixture(params=["finns", "ours", "unusual"])
def proven(request: pytest.FixtureRequest) -> _Proven:
    """Each of them."""
    found: _Proven = request.getfixturevalue(request.param)
    return found


def _copy(accelerator: Accelerator, folder: Path) -> Accelerator:
    shutil.copytree(accelerator.folder, folder / "copy")
    return replace(accelerator, folder=folder / "copy")


def _edit(accelerator: Accelerator, pattern: str, old: str, new: str) -> Path:
    """Replace what must be in exactly one file."""
    found = [p for p in accelerator.folder.glob(pattern) if re.search(old, p.read_text())]
    (path,) = found
    path.write_text(re.sub(old, new, path.read_text(), count=1))
    return path


def test_every_word_of_every_memory_is_compared(proven: _Proven) -> None:
    accelerator, expected = proven
    lines = [len(p.read_text().split()) for p in (accelerator.folder / "memory").rglob("*.dat")]
    found = prove_memories(accelerator, expected)
    assert (found.layers, found.words) == (len(expected), sum(lines))


def test_the_networks_have_every_kind_of_memory(
    finns: _Proven, ours: _Proven, unusual: _Proven
) -> None:
    kinds = dict[str, None]()
    for accelerator, expected in (finns, ours, unusual):
        text = "".join(p.read_text() for p in accelerator.folder.rglob("rtl/layers/*/*.v"))
        kinds |= dict.fromkeys(re.findall(r"^\s*(\w+) #\($", text, re.M))
        kinds |= dict.fromkeys(type(memory).__name__ for memory in expected.values())
    wanted = {"mvu_vvu_axi", "mvu_lut", "vvu_lut", "stream_constant", "thresholding_axi"}
    assert kinds.keys() >= wanted | {"Weights", "Thresholds", "Additions", "Factors"}


def test_one_wrong_bit_anywhere_is_found(proven: _Proven, tmp_path: Path) -> None:
    original, expected = proven
    accelerator = _copy(original, tmp_path)
    for path in sorted(accelerator.folder.glob("memory/*/*.dat")):
        before = path.read_bytes()
        digit = int(before[:-1].split()[-1][-1:], 16) if "_threshs_" not in path.name else None
        place = len(before) - 2 if digit is not None else before.index(b"\n") - 1
        changed = b"%x" % (int(before[place : place + 1], 16) ^ 1)
        path.write_bytes(before[:place] + changed + before[place + 1 :])
        message = rf"^{path.parent.name}: memory and network differ: .* is -?\d+ instead of -?\d+ "
        with pytest.raises(HardwareError, match=message):
            prove_memories(accelerator, expected)
        path.write_bytes(before)
    assert prove_memories(accelerator, expected).layers


def test_weights_of_another_network_are_found(finns: _Proven) -> None:
    accelerator, expected = finns
    weights = expected["MVAU_rtl_1"]
    assert isinstance(weights, Weights)
    other = Weights(weights.matrix + (np.arange(weights.matrix.size) == 7).reshape(-1, 6))
    with pytest.raises(
        HardwareError,
        match=r"MVAU_rtl_1: memory and network differ: weight \[input, output\] \[1, 1\] is "
        r"-?\d instead of -?\d \(1 of 216 wrong\); .* report this network",
    ):
        prove_memories(accelerator, expected | {"MVAU_rtl_1": other})


def test_weights_of_another_size_are_found(finns: _Proven) -> None:
    accelerator, expected = finns
    other = Weights(np.zeros((3, 6), np.int64))
    with pytest.raises(HardwareError, match=r"\[input, output\]: \[36, 6\] instead of \[3, 6\]"):
        prove_memories(accelerator, expected | {"MVAU_rtl_1": other})


_UNIT, _THRESHOLDS = "rtl/layers/MVAU_rtl_1/*", "rtl/layers/Thresholding_rtl_0/*.v"
_EDITS = [  # of the RTL, whose memories stay as they are
    ("finns", _UNIT, r"PE = \d+,", "PE = 3,", r"MVAU_rtl_1: .* \d+ words of \d+ bits, of which"),
    ("finns", _UNIT, r"MW = 36,", "MW = 63,", r"the unit takes \d+ bits and \d+ words a turn"),
    ("finns", _UNIT, r"MW = 36,", "MW = 27,", r"\[input, output\]: \[27, 8\] instead of \[36, 6\]"),
    ("finns", _UNIT, r"mvu_vvu_axi #", "other_unit #", r"its unit is none of the known ones"),
    ("finns", _UNIT, r"memstream_axi #|stream_constant #", "other #",
     r"its memory is none of the known streamers"),
    ("finns", "memory/MVAU_rtl_1/*", r"\A\w", "z", r"memblock.dat: word 0 is 'z\w*' and no hex"),
    ("finns", "memory/MVAU_rtl_1/*", r"\A", "fffffffff", r"word 0 has more than \d+ bits"),
    ("finns", "memory/MVAU_rtl_1/*", r"\A\w+\n", "", r"memblock.dat: \d+ words, the RTL reads \d+"),
    ("finns", _THRESHOLDS, r"BIAS   = 0", "BIAS   = 1", r"\[0, 0\] is -?\d+ instead of -?\d+"),
    ("finns", _THRESHOLDS, r"BIAS   = 0", "BIAS   = -1", r"BIAS -1 and SIGNED 1 are too low"),
    ("finns", _THRESHOLDS, r"SIGNED = 1", "SIGNED = 0", r"BIAS 0 and SIGNED 0 are too low"),
    ("finns", _THRESHOLDS, r"N = 15", "N = 7", r"\[0, 0\] is -?\d+ instead of -?\d+"),
    ("finns", _THRESHOLDS, r"USE_AXILITE = 0", "USE_AXILITE = 1", r"none of the known threshold"),
    ("finns", _THRESHOLDS, r"PE = \d+", "PE = 64", r"threshs_0_0.dat: \d+ words, the RTL reads 0"),
    ("unusual", "rtl/layers/PixelScale_rtl_0/*", r"stream_scale #", "other #", r"no multiplier"),
    ("ours", "rtl/layers/ElementwiseAdd_rtl_1/*", r"stream_add #", "other #", r"it has no adder"),
    ("ours", "rtl/layers/ElementwiseAdd_rtl_1/*", r"\.Pe\((\d+)\)", ".Pe(7)", r"of which the unit"),
]  # fmt: skip


@pytest.mark.parametrize("edit", _EDITS, ids=lambda edit: f"{edit[2]}->{edit[3]}")
def test_another_reading_of_the_same_memory_is_found(
    edit: tuple[str, ...], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    original, expected = request.getfixturevalue(edit[0])
    accelerator = _copy(original, tmp_path)
    _edit(accelerator, *edit[1:4])
    with pytest.raises(HardwareError, match=edit[4]):
        prove_memories(accelerator, expected)


def test_a_memory_where_the_rtl_does_not_look_is_found(finns: _Proven, tmp_path: Path) -> None:
    original, expected = finns
    accelerator = _copy(original, tmp_path)
    _edit(accelerator, "top.sv", r"memory/Thresholding_rtl_0/", "memory/Thresholding_rtl_9/")
    message = r"Thresholding_rtl_0: memory/Thresholding_rtl_9/.*: the RTL reads it and it cannot be"
    with pytest.raises(HardwareError, match=message):
        prove_memories(accelerator, expected)


def test_a_memory_that_no_rtl_reads_is_found(finns: _Proven) -> None:
    accelerator, expected = finns
    layers = [
        replace(layer, memory=(*layer.memory, "memory/stage_9.dat")) if layer.memory else layer
        for layer in accelerator.manifest.layers
    ]
    other = replace(accelerator, manifest=replace(accelerator.manifest, layers=tuple(layers)))
    with pytest.raises(HardwareError, match=r"memory/stage_9.dat is read by no module"):
        prove_memories(other, expected)


def test_layers_and_network_must_have_the_same_memories(finns: _Proven) -> None:
    accelerator, expected = finns
    fewer = {name: memory for name, memory in expected.items() if name != "MVAU_rtl_2"}
    with pytest.raises(HardwareError, match=r"MVAU_rtl_2: .* the network has no values for it"):
        prove_memories(accelerator, fewer)
    with pytest.raises(HardwareError, match=r"MVAU_rtl_9: .* differ: it has no memory"):
        prove_memories(accelerator, expected | {"MVAU_rtl_9": expected["MVAU_rtl_2"]})


def test_two_units_of_one_layer_are_refused(finns: _Proven, tmp_path: Path) -> None:
    original, expected = finns
    accelerator = _copy(original, tmp_path)
    _edit(accelerator, _UNIT, r"(mvu_vvu_axi #)", r"mvu_vvu_axi other ();\n\1")
    with pytest.raises(HardwareError, match=r"MVAU_rtl_1: 2 instances of mvu_vvu_axi, .* use one"):
        prove_memories(accelerator, expected)


def test_a_weight_that_narrow_weights_rule_out_is_found(finns: _Proven, tmp_path: Path) -> None:
    original, expected = finns
    accelerator = _copy(original, tmp_path)
    _edit(accelerator, _UNIT, r"NARROW_WEIGHTS = \d", "NARROW_WEIGHTS = 1")
    _edit(accelerator, "memory/MVAU_rtl_1/*", r"\w\n", "8\n")
    with pytest.raises(HardwareError, match=r"a weight is -8, which NARROW_WEIGHTS=1 rules out"):
        prove_memories(accelerator, expected)
