# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""No test depends on how fast the machine is, or leaves torch other than it was; bad disks."""

import ctypes
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def threads_of_torch_stay() -> Iterator[None]:
    """Fail a test that changes how many threads torch uses in all tests behind it."""
    before = _threads()
    yield
    if before is not None:
        assert _threads() == before


@pytest.fixture
def no_room() -> Iterator[None]:
    """Files may grow to 1 kB only, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that refuses new files, to root as well: root gives up what lets it ignore modes."""
    folder = tmp_path / "read_only"
    folder.mkdir()
    folder.chmod(0o555)
    before = _effective_capabilities()
    _set_effective(before & ~_OVERRIDES)
    yield folder
    _set_effective(before)


_OVERRIDES = 0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
_CAPABILITIES = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, of this thread


def _effective_capabilities() -> int:
    sets = (ctypes.c_uint32 * 6)()
    assert ctypes.CDLL(None).capget(_CAPABILITIES, sets) == 0
    return int(sets[0])


def _set_effective(capabilities: int) -> None:
    sets, libc = (ctypes.c_uint32 * 6)(), ctypes.CDLL(None)
    assert libc.capget(_CAPABILITIES, sets) == 0
    sets[0] = capabilities
    assert libc.capset(_CAPABILITIES, sets) == 0


def _threads() -> int | None:
    torch = sys.modules.get("torch")
    return None if torch is None else torch.get_num_threads()
