# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The parameters that a module has where it stands in a design, from the design's text.

Enough of SystemVerilog for what is stitched: parameters are integers, strings, the name of an
outer parameter or {MemoryBase, "path"}; other expressions are left out.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import pairwise

from hw.errors import HardwareError

__all__ = ["Design", "Parameters"]

Parameters = dict[str, int | str]

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|\(\*.*?\*\)|^\s*`[^\n]*", re.DOTALL | re.MULTILINE)
_MODULE = re.compile(r"^\s*module\s+(\w+)(.*?)^\s*endmodule", re.DOTALL | re.MULTILINE)
_DECLARED = re.compile(r"\bparameter\b(?:\s+(?:int|bit|logic|unsigned|signed))*\s+(\w+)\s*=\s*"
                       r"(\"[^\"]*\"|[^,\n)]+)")  # fmt: skip
_NESTED = r"(?:[^()]|\((?:[^()]|\([^()]*\))*\))*"
_ONE = rf"\.\w+\({_NESTED}\)"  # .NAME(expression)
_GIVEN = re.compile(rf"\.(\w+)\(({_NESTED})\)")
_INSTANCE = re.compile(rf"\b(\w+)\s+(?:#\(\s*({_ONE}(?:\s*,\s*{_ONE})*)\s*\)\s*)?\w+\s*\(")


class Design:
    """The modules of a design: their texts without comments, attributes and directives."""

    def __init__(self, texts: Iterable[str]) -> None:
        bare = (_COMMENT.sub(" ", text) for text in texts)
        self.bodies = {match[1]: match[2] for text in bare for match in _MODULE.finditer(text)}
        self._instances, self._declared = cache(self._find_instances), cache(self._find_declared)

    def parameters(self, *chain: str) -> Parameters | None:
        """Return the parameters of the last module of a chain, each an instance in the one before.

        Returns:
            None if a module of the chain has no instance in the one before.

        Raises:
            HardwareError: it has two.
        """
        values = self._declared(chain[0])
        for outer, inner in pairwise(chain):
            found = self._instances(outer)[inner]
            if not found:
                return None
            if len(found) > 1:
                raise HardwareError(
                    f"module {outer}: {len(found)} instances of {inner}, whose memories cannot be "
                    "told apart; use one"
                )
            passed = {name: _value(text, values) for name, text in _GIVEN.findall(found[0])}
            own = self._declared(inner)
            values = own | {name: value for name, value in passed.items() if value is not None}
        return values

    def _find_instances(self, module: str) -> Mapping[str, list[str]]:
        """Return the parameters, as text, of the instances in a module, by what they are of."""
        found = defaultdict[str, list[str]](list)
        for match in _INSTANCE.finditer(self.bodies.get(module, "")):
            found[match[1]].append(match[2] or "")
        return found

    def _find_declared(self, module: str) -> Parameters:
        """Return the defaults of a module's parameters."""
        found: Parameters = {}
        for name, text in _DECLARED.findall(self.bodies.get(module, "")):
            value = _value(text, found)
            if value is not None:
                found[name] = value
        return found


def _value(text: str, outer: Mapping[str, int | str]) -> int | str | None:
    text = text.strip()
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if re.fullmatch(r'"[^"]*"', text):
        return text[1:-1]
    joined = re.fullmatch(r'\{\s*MemoryBase\s*,\s*"([^"]*)"\s*\}', text)
    return joined[1] if joined else outer.get(text)
