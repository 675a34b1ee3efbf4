# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""python flow/certify/checker CERTIFICATES NETWORK.npz [BRUTE_FORCE_LIMIT]."""

import sys
from importlib import import_module
from pathlib import Path

if not __package__:  # the folder was run: it is imported by its own name, without flow
    sys.path[0] = str(Path(__file__).parent.parent)

if __name__ == "__main__":
    checker = import_module(__package__ or "checker")
    print(checker.check_file(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:4])))
