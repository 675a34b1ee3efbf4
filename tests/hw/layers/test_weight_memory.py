# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Weight memories: what they are predicted to cost against Yosys, and their choice."""

from pathlib import Path

import numpy as np
import pytest

from hw.layers.weight_memory import (
    WEIGHT_MEMORY,
    block_rams,
    lut_rom,
    memory_style,
    render_weight_memory,
    stretch_luts,
)
from hw.parts import find_part
from hw.synth.resources import Resources
from hw.synth.yosys import synthesize_module

_PYNQ, _KV260, _ECP5 = "xc7z020clg400-1", "xck26-sfvc784-2LV-c", "LFE5U-85F-6BG381C"


def _synthesise(words: int, width: int, style: str, part: str, folder: Path) -> Resources:
    values = np.random.default_rng(0).integers(0, 2, (words, width))
    lines = (f"{int(''.join(map(str, word)), 2):x}" for word in values)
    (folder / "words.dat").write_text("\n".join(lines))
    return synthesize_module(
        "stream_constant",
        WEIGHT_MEMORY,
        find_part(part),
        build_dir=folder / "build",
        parameters={"Width": width, "Depth": words, "InitFile": "words.dat", "RamStyle": style},
        base_dir=folder,
        memory=["words.dat"],
    )


@pytest.mark.slow
@pytest.mark.parametrize(("words", "width", "part"), [
    (16, 7, _PYNQ), (96, 64, _PYNQ), (192, 96, _PYNQ), (144, 32, _PYNQ), (768, 24, _PYNQ),
    (768, 24, _KV260), (2048, 8, _PYNQ),
])  # fmt: skip
def test_memory_in_luts_is_predicted(words: int, width: int, part: str, tmp_path: Path) -> None:
    found = _synthesise(words, width, "distributed", part, tmp_path)
    assert found.lut == pytest.approx(lut_rom(words, width, part), rel=0.05, abs=8)
    assert found.bram36 == 0
    assert found.lut_memory == 0  # any LUT will do, not those of a SLICEM alone


@pytest.mark.slow
@pytest.mark.parametrize(("words", "width", "part"), [
    (700, 20, _PYNQ), (512, 144, _PYNQ), (3000, 8, _PYNQ), (6144, 24, _KV260),
])  # fmt: skip
def test_memory_in_block_ram_is_predicted(
    words: int, width: int, part: str, tmp_path: Path
) -> None:
    found = _synthesise(words, width, "block", part, tmp_path)
    assert found.bram36 == block_rams(words, width, part)
    assert found.lut < 40


# Measured by synthesis of up to a minute each.
@pytest.mark.parametrize(("part", "words", "width", "measured"), [
    (_PYNQ, 576, 512, 14.5), (_PYNQ, 512, 576, 8.0), (_PYNQ, 8192, 144, 32.0),
    (_PYNQ, 65536, 36, 64.0), (_PYNQ, 98304, 24, 64.0), (_PYNQ, 65536, 8, 14.5),
    (_PYNQ, 65536, 16, 29.0), (_PYNQ, 9216, 128, 32.0), (_PYNQ, 7350, 24, 5.0),
    (_PYNQ, 7350, 48, 11.0), (_PYNQ, 3600, 256, 29.0), (_PYNQ, 18495, 190, 106.0),
    (_ECP5, 7350, 24, 5.5), (_ECP5, 3600, 256, 28.5), (_ECP5, 18495, 190, 100.5),
])  # fmt: skip
def test_large_memories_take_the_predicted_block_rams(
    part: str, words: int, width: int, measured: float
) -> None:
    assert block_rams(words, width, part) == measured


# LUTs by synthesis, without the 10 to 14 of the address.
@pytest.mark.parametrize(("part", "words", "width", "measured"), [
    (_PYNQ, 2000, 36, 0), (_PYNQ, 8100, 36, 38), (_PYNQ, 1400, 72, 72), (_PYNQ, 2500, 60, 118),
    (_PYNQ, 6272, 32, 157), (_PYNQ, 7350, 24, 134),
    (_ECP5, 3000, 16, 45), (_ECP5, 5000, 16, 61), (_ECP5, 7350, 24, 88), (_ECP5, 3136, 24, 128),
])  # fmt: skip
def test_choosing_between_block_rams_takes_luts(
    part: str, words: int, width: int, measured: int
) -> None:
    assert stretch_luts(words, width, part) == pytest.approx(measured, rel=0.3)


def test_a_memory_goes_where_it_takes_the_smaller_share_of_the_part() -> None:
    assert memory_style(96, 1536, _PYNQ) == "distributed"  # 22 block RAMs, a fifth full
    assert memory_style(8192, 144, _PYNQ) == "block"
    assert memory_style(16, 8, "xc7a200t") == "distributed"  # a part that is not known


# By Yosys, whose own choice it is where LUTs are asked for: LUTs of the memory, block RAMs.
@pytest.mark.slow
@pytest.mark.parametrize(("words", "width"), [(64, 16), (64, 32), (64, 33), (784, 16)])
def test_an_ecp5_s_memory_lies_where_yosys_would_put_it(
    words: int, width: int, tmp_path: Path
) -> None:
    style = memory_style(words, width, _ECP5)
    chosen, free = (
        _synthesise(words, width, s, _ECP5, _empty(tmp_path / f"{s}-{i}"))
        for i, s in enumerate((style, "distributed"))
    )
    assert chosen.bram36 == free.bram36 == (style == "block") * block_rams(words, width, _ECP5)
    if style == "distributed":
        assert chosen.lut == pytest.approx(lut_rom(words, width, _ECP5), rel=0.05, abs=20)


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_an_ecp5_s_block_ram_is_worth_128_luts_of_16_words() -> None:
    assert lut_rom(16, 32, _ECP5) == 32
    assert lut_rom(64, 32, _ECP5) == 320  # with their multiplexers, which Yosys does not count
    assert memory_style(64, 32, _ECP5) == "distributed"
    assert memory_style(64, 33, _ECP5) == "block"
    assert memory_style(64, 33, _PYNQ) == "distributed"


def test_the_stream_is_padded_to_bytes() -> None:
    text = render_weight_memory("m", words=5, width=13, style="block", init_file=Path("/w.dat"))
    assert "[15:0] m_axis_0_tdata" in text
    assert "{{3{1'b0}}, word}" in text
    assert 'INIT_FILE = "/w.dat"' in text
    whole = render_weight_memory("m", words=5, width=16, style="block", init_file=Path("/w.dat"))
    assert "m_axis_0_tdata = word;" in whole
