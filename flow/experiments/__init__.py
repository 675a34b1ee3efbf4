# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Claims of the papers, each tried as an experiment with a verdict and a picture."""
