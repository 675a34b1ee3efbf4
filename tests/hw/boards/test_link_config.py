# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What v++ is told is read strictly: seeded mistakes are found."""

from pathlib import Path

import pytest
from hashing_kernel import Geometry, write_hashing_kernel

from hw.boards import BoardSettings, find_board
from hw.boards.tcl_check.link_config import check_link
from hw.errors import HardwareError


def _planned(folder: Path) -> str:
    board = find_board("u250")
    kernel = write_hashing_kernel(Geometry(data_bytes=64), folder, board.part.name)
    plan = board.plan(kernel, BoardSettings(compute_units=2, clock_mhz=250))
    return plan.files["link.cfg"].decode()


def test_a_plan_is_read(tmp_path: Path) -> None:
    found = check_link(_planned(tmp_path), "kernel_ip", "m_axi_gmem")
    assert (found.platform, found.clock_mhz) == ("xilinx_u250_gen3x16_xdma_4_1_202210_1", 250)
    assert found.banks == {"kernel_ip_1": "DDR[0]", "kernel_ip_2": "DDR[1]"}
    assert found.dies == {"kernel_ip_1": "SLR0", "kernel_ip_2": "SLR1"}


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("kernel_frequency", "kernel_freqency", "option kernel_freqency; did you mean 'kernel_fr"),
        ("[connectivity]", "[conectivity]", r"section \[conectivity\] is not known"),
        ("slr=", "slt=", "connectivity.slt; did you mean 'slr'"),
        ("nk=kernel_ip:2", "nk=kernel_pi:2", "nk=kernel_pi:2: the .xo holds the kernel kernel_ip"),
        ("nk=kernel_ip:2", "nk=kernel_ip:0", "nk=kernel_ip:0: is not of the form"),
        ("nk=kernel_ip:2", "", "no unit kernel_ip_1"),
        ("nk=kernel_ip:2", "nk=kernel_ip:1", "sp=kernel_ip_2.*: no unit kernel_ip_2"),
        ("sp=kernel_ip_2", "sp=kernel_ip_1", "kernel_ip_1 has one already"),
        ("m_axi_gmem", "m_axi_mem", "sp=.*: the kernel's port is m_axi_gmem"),
        ("DDR[1]", "bank1", "sp=kernel_ip_2.m_axi_gmem:bank1: is not of the form"),
        ("platform=", "#", "no platform or no nk; name both"),
    ],
)
def test_a_mistake_is_found(right: str, wrong: str, message: str, tmp_path: Path) -> None:
    text = _planned(tmp_path)
    assert right in text
    with pytest.raises(HardwareError, match=message):
        check_link(text.replace(right, wrong), "kernel_ip", "m_axi_gmem")
