# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Values for a Tcl script, as a file that it sources."""

from collections.abc import Mapping, Sequence

__all__ = ["render_settings", "tcl_word"]


def render_settings(values: Mapping[str, str | Sequence[str]]) -> str:
    """Return a `set` for each name; a sequence becomes a list with a line for each of its items.

    An item is one word or several, as they stand there: see tcl_word.
    """
    return "".join(f"set {name} {{{_body(value)}}}\n" for name, value in values.items())


def tcl_word(*words: str) -> str:
    """Return a word, or the list of several words as one word."""
    if len(words) == 1:
        return f"{{{words[0]}}}" if " " in words[0] or not words[0] else words[0]
    return "{" + "".join(f"\n        {tcl_word(word)}" for word in words) + "\n    }"


def _body(value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        return value
    return "".join(f"\n    {item}" for item in value) + "\n" * bool(value)
