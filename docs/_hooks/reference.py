# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The reference pages, written from the code at every build: commands, settings, operators."""

import argparse
import inspect
import os
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from pydantic import BaseModel

from flow.cli.registry import COMMANDS
from flow.config.section import Section
from flow.lowering.rules import QOPERATORS, RULES
from flow.run.configuration import RunConfig

__all__ = ["on_files"]

_WIDTH = "100"  # columns of argparse's help
_PICTURE = Path(__file__).parents[2] / "examples" / "flow.svg"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and the picture of the README, as mkdocs' hook of this name."""
    files.append(File.generated(config, "flow.svg", abs_src_path=str(_PICTURE)))
    pages = {"commands": _commands, "settings": _settings, "operators": _operators}
    for name, render in pages.items():
        text = "\n".join(render()) + "\n"
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def _commands() -> Iterator[str]:
    os.environ["COLUMNS"] = _WIDTH
    yield "# Commands\n\nAs `steelflow COMMAND --help` prints them.\n"
    for command in COMMANDS:
        parser = argparse.ArgumentParser(prog=f"steelflow {command.name}", description=command.help)
        command.add_options(parser)
        yield from _helps(parser, f"steelflow {command.name}", level=2)


def _helps(parser: argparse.ArgumentParser, title: str, level: int) -> Iterator[str]:
    yield f"{'#' * level} {title}\n\n```text\n{parser.format_help().rstrip()}\n```\n"
    for action in parser._actions:  # argparse tells its subcommands nowhere else
        if isinstance(action, argparse._SubParsersAction):
            for name, one in action.choices.items():
                yield from _helps(one, f"{title} {name}", level + 1)


def _settings() -> Iterator[str]:
    yield "# Settings\n\nEvery key of a configuration file, with its default.\n"
    yield from _section(RunConfig, "")


def _section(kind: type[BaseModel], prefix: str) -> Iterator[str]:
    yield f"## {prefix.rstrip('.') or 'the whole configuration'}\n\n{_first_line(kind)}\n"
    yield "| key | type | default | |\n|---|---|---|---|"
    notes, inner = {}, []
    for one in reversed(kind.__mro__):
        inherited = one.__module__.startswith("flow.") and one is not Section
        notes |= {key: note for key, note in _comments(one).items() if note} if inherited else {}
    for name, field in kind.model_fields.items():
        held = _held_section(field.annotation)
        if held is not None:
            inner.append((held, f"{prefix}{name}."))
            continue
        default = (
            "required"
            if field.is_required()
            else f"`{field.get_default(call_default_factory=True)}`"
        )
        cells = (f"`{prefix}{name}`", f"`{_type(field.annotation)}`", default, notes.get(name, ""))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""
    for held, name in inner:
        yield from _section(held, name)


def _held_section(annotation: object) -> type[BaseModel] | None:
    held = inspect.isclass(annotation) and issubclass(annotation, BaseModel)
    return annotation if held else None


def _type(annotation: object) -> str:
    text = annotation.__name__ if inspect.isclass(annotation) else str(annotation)
    text = re.sub(r"Annotated\[([^,\]]+|tuple\[[^\]]*\]), .*?\)\]", r"\1", text)
    text = re.sub(r"\b(typing|flow\.[\w.]+)\.", "", text)
    text = re.sub(r"Optional\[(.*)\]$", r"\1 or None", text)
    return text.replace(" | ", " or ")  # a bar would end the table's cell


def _comments(kind: type[BaseModel]) -> dict[str, str]:
    """Return what the source says beside a key, or in the lines before it."""
    found, before = {}, []
    for line in inspect.getsource(kind).splitlines():
        text = line.strip()
        if text.startswith("# "):
            before.append(text.removeprefix("# "))
        elif match := re.match(r"(\w+): [^#]*(?:# (.*))?$", text):
            found[match[1]] = match[2] or " ".join(before)
            before = []
        elif found and (comment := re.search(r"# (.*)$", text)):
            found[list(found)[-1]] = comment[1]
    return found


def _operators() -> Iterator[str]:
    yield "# Operators\n\nWhat the lowering takes, and what it makes of it.\n"
    yield "| operators | become |\n|---|---|"
    by_rule: dict[str, list[str]] = {}
    for name, rule in RULES.items():
        by_rule.setdefault(_first_line(rule), []).append(name)
    for meaning, names in sorted(by_rule.items(), key=lambda item: item[1][0]):
        yield f"| {', '.join(f'`{name}`' for name in names)} | {meaning} |"
    several = ", ".join(f"`{name}`" for name in QOPERATORS)
    yield f"| {several} | The operation of that name, between the quantizers that the node holds. |"


def _first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").split("\n")[0]
