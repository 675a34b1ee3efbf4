# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""No test depends on how fast the machine is, or leaves torch other than it was; a full disk."""

import resource
import sys
from collections.abc import Iterator

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


def _threads() -> int | None:
    torch = sys.modules.get("torch")
    return None if torch is None else torch.get_num_threads()
