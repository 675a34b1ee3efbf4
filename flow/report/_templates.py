# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The page's templates (Jinja2): what comes in is escaped unless it is Markup already."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["render"]


def render(template: str, **values: object) -> Markup:
    """Return the template's text; a name that it asks for and that is not given is an error."""
    return Markup(_environment().get_template(template).render(values))


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("flow.report"),
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
