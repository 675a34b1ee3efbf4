# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How messages tell errors and unknown names; the floor under flow, hw and brevitas_models."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["hint", "near", "one_line"]

_NEAR = 0.7  # of difflib's ratio: a slip of the keys, not another word
_MOST = 3
_SHORTEST = 3  # name in which another letter is a slip


def near(name: str, known: Iterable[str]) -> list[str]:
    """Return what a user may have meant, nearest first: at most three, often none.

    Upper and lower case, and - and _, count as the same. A name is near another that it begins,
    and one that differs by a few letters.
    """
    plain = {_plain(one): one for one in known}
    wanted = _plain(name)
    if wanted in plain:
        return [plain[wanted]]
    begun = [one for one in plain if len(wanted) > 1 and one.startswith(wanted)]
    close = get_close_matches(wanted, plain, n=_MOST, cutoff=_NEAR)
    slips = [one for one in plain if _is_slip(wanted, one)]
    return [plain[one] for one in dict.fromkeys([*close, *slips, *begun])][:_MOST]


def hint(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: what is near, if anything, and all."""
    names = [*known]
    found = near(name, names)
    if not names:
        return "; there are none here"
    listed = ", ".join(names)
    if not found:
        return f"; known here: {listed}"
    return f"; did you mean {' or '.join(map(repr, found))}? Known here: {listed}"


def one_line(said: object) -> str:
    """Return a text or an error's message in one line; an error without one by its type."""
    return " ".join(str(said).split()) or type(said).__name__


def _is_slip(one: str, other: str) -> bool:
    """Return whether one letter differs or two have changed places: much to difflib, if short."""
    if not len(one) == len(other) >= _SHORTEST:
        return False
    places = [place for place in range(len(one)) if one[place] != other[place]]
    swapped = sorted(one) == sorted(other) and places[1:] == [places[0] + 1]
    return len(places) == 1 or swapped


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_")
