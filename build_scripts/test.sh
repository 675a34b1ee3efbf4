#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
#
# Usage: test.sh [PYTEST ARGUMENTS]
# Installs what is needed into .venv, then runs every check and the tests, all of them even when
# one fails. The status is 1 when any failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash build_scripts/setup.sh test
export PATH="$PWD/.venv/bin:$PATH"
export OMP_NUM_THREADS=1 # the tests already take every core
failed=()

check() {
    local name=$1 start=$SECONDS
    shift
    echo "== $name"
    "$@" || failed+=("$name")
    echo "== $name: $((SECONDS - start)) s"
}

check "ruff check" ruff check .
check "ruff format" ruff format --check .
check "mypy" mypy
check "import contracts" lint-imports
check "docs" mkdocs build --quiet
check "pytest" pytest --numprocesses logical --dist loadfile --durations 15 --durations-min 2 "$@"

if ((${#failed[@]})); then
    printf 'test: FAILED after %d s: %s\n' "$SECONDS" "$(IFS=,; echo "${failed[*]}")" >&2
    exit 1
fi
echo "test: all passed in $SECONDS s"
