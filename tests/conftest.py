# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""No test depends on how fast or how busy the machine is, or leaves torch other than it was."""

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


def _threads() -> int | None:
    torch = sys.modules.get("torch")
    return None if torch is None else torch.get_num_threads()
