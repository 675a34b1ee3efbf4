# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import re
from pathlib import Path

import pytest
from finn.util.basic import get_dsp_block, part_map

from hw.errors import HardwareError
from hw.parts import PARTS, Family, Part, find_part, known_parts, lookup, part_file

DESCRIBED = (
    "name: xc7a100tcsg324-2\nfamily: xc7\nboard: Mine\nlut: 100\nff: 200\ndsp: 3\nbram36: 4\n"
)


@pytest.fixture(autouse=True)
def described(monkeypatch: pytest.MonkeyPatch) -> dict[str, Part]:
    """Forget the parts that a test describes."""
    fresh: dict[str, Part] = {}
    monkeypatch.setattr(lookup, "_described", fresh)
    return fresh


def test_pynq_z1_as_in_ds190() -> None:
    part = find_part("xc7z020clg400-1")
    assert (part.lut, part.ff, part.dsp, part.bram36) == (53_200, 106_400, 220, 140)
    assert part.family is Family.SERIES_7


@pytest.mark.parametrize(
    "device",
    ["xck26", "XCZU7EV", "xcu250", "xczu3eg", "xc7z020", "xc7z007s", "xc7a35t", "xc7vx690t"],
)
def test_device_alone_is_enough(device: str) -> None:
    assert find_part(device).name.startswith(device.lower())


@pytest.mark.parametrize("board", ["PYNQ-Z2", "pynq-z1", "Alveo U250", "KV260", "vck190"])
def test_a_board_stands_for_its_part(board: str) -> None:
    assert board.lower() in find_part(board).board.lower()


def test_ulx3s_as_in_nextpnr_s_chip_database() -> None:
    part = find_part("ulx3s-85f")
    assert (part.lut, part.ff, part.dsp, part.bram36) == (83_640, 83_640, 156, 104)
    assert part is find_part("lfe5u-85f") is find_part("LFE5U-85F-6BG381C")


def test_an_ecp5_of_one_s_own_is_not_held_to_finn_s_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: LFE5U-12F\nfamily: ecp5\nlut: 1\nff: 2\ndsp: 3\nbram36: 4\n")
    assert find_part(str(path)).family is Family.ECP5


def test_every_xilinx_part_holds_two_flip_flops_a_lut() -> None:
    xilinx = [part for part in PARTS if part.family is not Family.ECP5]
    assert all(part.ff == 2 * part.lut for part in xilinx)  # all families: 1 LUT6 + 2 FF


@pytest.mark.parametrize("part", [p for p in PARTS if re.match("xc7[akv]", p.name)], ids=str)
def test_the_number_in_a_series_7_name_is_its_logic_cells(part: Part) -> None:
    thousands = float(re.findall(r"\d+", part.device)[1])
    assert 1.6 * part.lut / 1000 == pytest.approx(thousands, rel=0.12)  # DS180: 1.6 cells a LUT


def test_names_are_finn_s_and_dsp_slices_of_the_family() -> None:
    slices = {"xc7": "DSP48E1", "xcup": "DSP48E2", "versal": "DSP58"}
    known = [part for part in PARTS if part.family is not Family.ECP5]
    assert all(get_dsp_block(part.name) == slices[part.family.value] for part in known)
    assert len({part.name for part in PARTS}) == len(PARTS)
    missing = {"xcv80-lsva4737-2MHP-e-s"}  # its figures are not public
    assert set(part_map.values()) - missing <= {part.name for part in PARTS}


def test_unknown_part_names_what_is_near() -> None:
    message = r"part 'xc7z030clg400-1': is unknown; did you mean 'xc7z0[12]0clg.*\? The parts that"
    with pytest.raises(HardwareError, match=message):
        find_part("xc7z030clg400-1")


def test_of_another_kind_of_part_nothing_is_near() -> None:
    with pytest.raises(HardwareError, match=r"part 'lattice': is unknown\. The parts"):
        find_part("lattice")


def test_a_file_describes_a_part_that_is_then_known_by_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(DESCRIBED)
    part = find_part(str(path))
    assert (part.lut, part.ff, part.dsp, part.bram36) == (100, 200, 3, 4)
    assert find_part("xc7a100tcsg324-2") == find_part("mine") == part
    assert known_parts()[-1] == part


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", r"mine.yaml: cannot be read as YAML"),
        (
            "lut: 3",
            r"mine.yaml: \w+: Field required; give name, family \(xc7, xcup, versal, ecp5\)",
        ),
        ("- 3", r"mine.yaml: .*; give name, family"),
        (DESCRIBED + "uram: 3", r"mine.yaml: uram: Unexpected keyword argument; give name"),
        (DESCRIBED.replace("100\n", "0\n"), r"mine.yaml: lut: Input should be greater than 0"),
        (DESCRIBED.replace("xc7a100t", "xczu9eg-"), r"stands for a device with DSP48E2 slices"),
        (DESCRIBED.replace("family: xc7", "family: ice40"), r"mine.yaml: family: Input should be"),
    ],
)
def test_a_file_that_describes_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(HardwareError, match=message):
        find_part(str(path))


def test_only_a_suffix_makes_a_file_of_a_name() -> None:
    assert part_file("parts/mine.YAML") == Path("parts/mine.YAML")
    assert part_file("xc7z020clg400-1") is None


def test_a_file_that_is_missing_is_refused() -> None:
    with pytest.raises(HardwareError, match=r"part none.yaml: cannot be read as YAML"):
        find_part("none.yaml")
