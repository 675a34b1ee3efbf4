# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN's process-wide settings and log, bound to one build folder for the length of a block."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import finn.util.settings
from finn.interface.settings import FINNSettings

__all__ = ["finn_build_dir"]

_LOG = logging.getLogger("finn_logger")  # FINN's own name for it


@contextmanager
def finn_build_dir(folder: Path) -> Iterator[Path]:
    """Let FINN generate code into `folder` (made if missing); its log goes to `folder`/finn.log.

    The environment and the working directory stay as they are, and what was set before comes
    back at the end. FINN keeps these settings in a module variable, so one block at a time.

    Yields:
        The folder, absolute.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    module = finn.util.settings
    before = module._SETTINGS
    module._SETTINGS = FINNSettings.init(
        override_settings_path=folder / "finn_settings.yaml",
        flow_config=folder / "flow.yaml",
        finn_build_dir=str(folder),
        auto_set_environment_vars=False,
    )
    try:
        with _log_to(folder / "finn.log"):
            yield folder
    finally:
        module._SETTINGS = before


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """Send FINN's log to a file instead of its rich console."""
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handlers, propagate = _LOG.handlers, _LOG.propagate
    _LOG.handlers, _LOG.propagate = [handler], False
    try:
        yield
    finally:
        _LOG.handlers, _LOG.propagate = handlers, propagate
        handler.close()
