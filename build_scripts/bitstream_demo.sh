#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
#
# Usage: bitstream_demo.sh
# Installs what is needed into .venv, trains and compiles a classifier of digits for an ULX3S-85F,
# builds its bitstream by open tools, and sends images through the placed gates.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash build_scripts/setup.sh
.venv/bin/steelflow compile examples/digits-ulx3s.yaml --output build/digits-ulx3s
.venv/bin/steelflow bitstream build/digits-ulx3s --board ulx3s-85f --gates 8
echo "demo: done in $((SECONDS / 60)) min $((SECONDS % 60)) s, installation included"
