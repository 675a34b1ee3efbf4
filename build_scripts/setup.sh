#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
#
# Usage: setup.sh [test]
# Creates .venv beside pyproject.toml and installs the pinned packages and this project (editable)
# into it; `test` adds the tools of the tests. Does nothing when that is done already.
# pip's own configuration (PIP_* variables, pip.conf) decides where packages come from.
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."

extra=${1:-}
project=.${extra:+[$extra]}

die() {
    echo "setup: $1" >&2
    exit 2
}

find_python() {
    local name
    for name in python3 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null
        then
            command -v "$name"
            return
        fi
    done
    die "Python 3.11 or 3.12 is missing; install it: sudo apt install python3 python3-venv"
}

command -v g++ >/dev/null || die "the C++ compiler g++ is missing; install it: sudo apt install g++"
command -v make >/dev/null || die "make is missing; install it: sudo apt install make"
python=$(find_python)
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    die "the venv module of $python is missing; install it: sudo apt install python3-venv"

# A virtual environment that was moved or lost its Python cannot be mended, only made again.
if ! [ "$(.venv/bin/python -c 'import pip, sys; print(sys.prefix)' 2>/dev/null)" = "$PWD/.venv" ]
then
    echo "setup: creating .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi

# An editable extension is compiled once, here.
digest=$(cat pyproject.toml setup.py build_scripts/{setup.sh,constraints.txt} \
    flow/{integer/native,integer/incremental,bench/held}/src/* hw/build/*.py | sha256sum)
for stamp in ".venv/setup$extra.stamp" .venv/setuptest.stamp; do
    if [ "$(cat "$stamp" 2>/dev/null)" = "$digest" ]; then
        echo "setup: .venv is up to date"
        exit 0
    fi
done

install() {
    local quiet=-qq
    [ -t 1 ] && quiet= # a terminal sees the downloads
    .venv/bin/python -m pip install $quiet --disable-pip-version-check "$@"
}

echo "setup: installing the pinned packages into .venv (a few minutes the first time)"
install --constraint build_scripts/constraints.txt --editable "$project"
# finn-plus pins another brevitas: see the comment in pyproject.toml, which lists what else it needs.
# mip, which finn.builder imports, brings 600 MB of solvers that it uses for partitioning only.
install --no-deps finn-plus==1.6.1 mip==2.0.0
# tclint, which looks at the generated Tcl, pins old versions of packages that others need newer.
[ "$extra" != test ] || install --no-deps tclint==0.9.0
echo "$digest" >".venv/setup$extra.stamp"
echo "setup: done in $SECONDS s"
