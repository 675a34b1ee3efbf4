# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What autograd keeps, counted on graphs whose saved tensors are known."""

import torch

from flow.training.saved_tensors import SavedTensors


def test_each_result_that_is_kept_counts_once() -> None:
    start = torch.zeros(1000, requires_grad=True)
    with SavedTensors() as saved:
        found = start.exp().exp()  # each keeps its result
        (found * found).sum().backward()  # keeps the second again
    assert saved.peak_bytes == 2 * 4000
    torch.testing.assert_close(start.grad, torch.full((1000,), 2 * torch.e**2))


def test_what_is_released_makes_room() -> None:
    with SavedTensors() as saved:
        for size in (1000, 2000, 3000):
            torch.zeros(size, requires_grad=True).exp().sum().backward()
    assert saved.peak_bytes == 12000


def test_branches_add_up() -> None:
    start = torch.zeros(1000, requires_grad=True)
    with SavedTensors() as saved:
        torch.stack([start.exp().sum() for _ in range(3)]).sum().backward()
    assert saved.peak_bytes == 3 * 4000


def test_nothing_counts_outside() -> None:
    start = torch.zeros(10, requires_grad=True)
    with SavedTensors() as saved:
        pass
    start.exp().sum().backward()
    assert saved.peak_bytes == 0
