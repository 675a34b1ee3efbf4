# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A configuration file read: YAML, the sections, and the names in them that other rooms know."""

import re
from pathlib import Path
from typing import Any

import yaml

from flow.config import parse_section
from flow.errors import FlowError
from flow.run.configuration import RunConfig
from steelflow_names import one_line

__all__ = ["load_config", "parse_config"]


class _Loader(yaml.SafeLoader):
    """YAML 1.2's floats: 2e-3 is a number, which YAML 1.1 takes for a string."""

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - PyYAML is untyped
        """Refuse aliases, which can make a document that holds itself."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not used here; write the value out")
        return super().compose_node(parent, index)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def load_config(path: Path) -> RunConfig:
    """Read a YAML file.

    Raises:
        FlowError: the file is missing, is not YAML, has an unknown key (the message names the
            nearest known one) or a value of the wrong type or range.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FlowError(f"config {path}: cannot be read ({error}); give a YAML file") from error
    try:
        document = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise FlowError(f"config {path}: is not YAML: {one_line(error)}") from error
    return parse_config(document, str(path))


def parse_config(document: Any, where: str) -> RunConfig:  # noqa: ANN401 - YAML holds anything
    """Validate a parsed document; `where` names it in errors (see load_config)."""
    if not isinstance(document, dict):
        raise FlowError(f"config {where}: holds no keys with values; start with name: ...")
    if isinstance(document.get("zoo"), str):
        document = _with_zoo_defaults(document, f"config {where}")
    config = parse_section(RunConfig, document, f"config {where}")
    from flow.run.names import check_names  # noqa: PLC0415 - imports torch

    check_names(config, f"config {where}")
    return config


def _with_zoo_defaults(document: dict[str, Any], where: str) -> dict[str, Any]:
    from brevitas_models.errors import ModelError  # noqa: PLC0415 - its package imports torch
    from flow.zoo.defaults import with_zoo_defaults  # noqa: PLC0415 - imports torch

    try:
        return with_zoo_defaults(document)
    except ModelError as error:
        raise FlowError(f"{where}: {error}") from error
