# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Parameters whose default a simulator mistakes for another value."""

import re
from pathlib import Path

import hw

RTL = Path(hw.__file__).parent / "rtl"


def test_no_parameter_is_all_ones_by_a_literal_without_a_size() -> None:
    """Verilator 5.49 takes such a default for 1.

    Where all other parameters are the defaults, 1 was then dropped for all ones: a crop of 2x2 to
    one pixel kept all four (random network 920).
    """
    files = [*RTL.rglob("*.sv"), *RTL.rglob("*.v")]
    found = [
        f"{file.name}: {line.strip()}"
        for file in files
        for line in file.read_text().splitlines()
        if re.search(r"parameter\b.*=\s*'1", line)
    ]
    assert len(files) > 10
    assert found == []
