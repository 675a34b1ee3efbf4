#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
#
# Usage: demo.sh
# Installs what is needed into .venv and runs the whole flow on real handwritten digits.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash build_scripts/setup.sh
result=$(.venv/bin/steelflow run examples/digits.yaml)
echo "demo: done in $((SECONDS / 60)) min $((SECONDS % 60)) s, installation included"
echo "$result"
