# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Pages from templates (Jinja2): what comes in is escaped unless it is Markup already."""

from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["render"]

_HERE = "flow.report"  # its pieces are for the pages of other packages, too


def render(template: str, package: str = _HERE, /, **values: object) -> Markup:
    """Return the text of a package's template; a name that it asks for must be given."""
    return Markup(_environment(package).get_template(template).render(values))


@cache
def _environment(package: str) -> Environment:
    found = Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in dict.fromkeys((package, _HERE))]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"fmt": format, "labelled": _labelled}
    return found


def _labelled(svg: str, alt: str) -> Markup:
    """Return the drawn svg with its text for those who do not see it."""
    return Markup(svg.replace("<svg", Markup('<svg role="img" aria-label="{}"').format(alt), 1))
