# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The independent checker of certificates: three small modules that import NumPy and each other."""

from .network import Network, WrongCertificate, apply, load
from .proofs import brute_force, check_file

__all__ = ["Network", "WrongCertificate", "apply", "brute_force", "check_file", "load"]
