# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Figures as JUnit XML, which CI systems show as tests."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from flow.check.limits import Figure
from flow.storage.files import write_output

__all__ = ["junit", "write_junit"]


def junit(
    subject: str, figures: Sequence[Figure], *, seconds: float = 0.0, at: datetime | None = None
) -> bytes:
    """Return a suite with a test case for each figure, as UTF-8.

    Args:
        subject: what was checked.
        figures: what was found.
        seconds: that the check took.
        at: when it began; now when None.
    """
    counts = {
        "tests": str(len(figures)),
        "failures": str(sum(not figure.holds for figure in figures)),
        "errors": "0",
        "skipped": "0",
        "time": f"{seconds:.3f}",
    }
    began = (at or datetime.now(UTC)).replace(microsecond=0, tzinfo=None).isoformat()
    root = ET.Element("testsuites", {"name": "steelflow check", **counts})
    suite = ET.SubElement(
        root, "testsuite", {"name": _printable(subject), "timestamp": began} | counts
    )
    for figure in figures:
        case = {"classname": "steelflow.check", "name": figure.name, "time": "0.000"}
        element = ET.SubElement(suite, "testcase", case)
        text = _printable(str(figure))
        if not figure.holds:
            ET.SubElement(element, "failure", {"message": text, "type": "limit"}).text = text
        ET.SubElement(element, "system-out").text = text
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def write_junit(
    path: Path, subject: str, figures: Sequence[Figure], *, seconds: float = 0.0
) -> None:
    """Write what junit returns, whole or not at all.

    Raises:
        SettingError: the file cannot be written.
    """
    write_output(path, junit(subject, figures, seconds=seconds), "junit")


def _printable(text: str) -> str:
    """Leave out what XML 1.0 cannot hold; a file's name may."""
    return "".join(one for one in text if one in "\t\n\r" or one.isprintable())
