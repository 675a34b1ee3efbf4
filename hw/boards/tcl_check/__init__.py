# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Vivado scripts, run against a model of a block design: what is wrong is found without Vivado.

The scripts run in a real Tcl 8.6; the commands are the model's. It knows the commands, options and
CONFIG names that the scripts of this project use, and nothing else.
"""

from hw.boards.tcl_check.design import Design
from hw.boards.tcl_check.interpreter import check_vivado

__all__ = ["Design", "check_vivado"]
