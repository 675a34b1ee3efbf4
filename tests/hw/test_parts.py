# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import pytest

from hw.errors import HardwareError
from hw.parts import PARTS, Family, find_part


def test_pynq_z1_as_in_ds190() -> None:
    part = find_part("xc7z020clg400-1")
    assert (part.lut, part.ff, part.dsp, part.bram36) == (53_200, 106_400, 220, 140)
    assert part.family is Family.SERIES_7


@pytest.mark.parametrize("device", ["xck26", "XCZU7EV", "xcu250", "xczu3eg", "xcu280", "xc7z020"])
def test_device_alone_is_enough(device: str) -> None:
    assert find_part(device).name.startswith(device.lower())


def test_every_part_holds_two_flip_flops_a_lut() -> None:
    assert all(part.ff == 2 * part.lut for part in PARTS)  # both families: 1 LUT6 + 2 FF


def test_unknown_part_names_what_is_near() -> None:
    message = r"part 'xc7z030clg400-1': is unknown; did you mean 'xc7z0[12]0clg.*\? Known here: xc"
    with pytest.raises(HardwareError, match=message):
        find_part("xc7z030clg400-1")


def test_of_another_kind_of_part_nothing_is_near() -> None:
    with pytest.raises(HardwareError, match=r"part 'spartan': is unknown; known here: xc"):
        find_part("spartan")
