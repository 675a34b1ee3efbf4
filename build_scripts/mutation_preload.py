# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Loads what mutation.py names, in the process that its test runs fork from."""

import json
import os
from contextlib import suppress
from importlib import import_module
from pathlib import Path

for name in json.loads(Path(os.environ["STEELFLOW_MUTATION_MODULES"]).read_text()):
    with suppress(Exception, SystemExit):  # of one that needs another first: the tests load it
        import_module(name)
