# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How much memory training needs for what backward passes will read.

That is what grows with the minibatch and with the branches of an objective. Unlike the resident
size of a process it depends neither on the allocator nor on what ran before.
"""

from types import TracebackType

from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

__all__ = ["SavedTensors"]


class SavedTensors:
    """Measures, inside a `with` block, what autograd keeps at the same time.

    Every storage counts once however many operations keep it, the parameters too where an
    operation does. Gradients and scratch memory of the operations themselves do not count.

    Attributes:
        peak_bytes: the most that was kept at once.
    """

    def __init__(self) -> None:
        self.peak_bytes = self._bytes = 0
        self._users: dict[int, int] = {}  # address of a storage -> how often it is kept
        self._hooks = saved_tensors_hooks(lambda tensor: _Kept(tensor, self), _Kept.unpack)

    def __enter__(self) -> "SavedTensors":
        self._hooks.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hooks.__exit__(kind, error, trace)

    def keep(self, tensor: Tensor) -> None:
        """Count a tensor's storage."""
        storage = tensor.untyped_storage()
        address = storage.data_ptr()
        if address not in self._users:
            self._bytes += storage.nbytes()
            self.peak_bytes = max(self.peak_bytes, self._bytes)
        self._users[address] = self._users.get(address, 0) + 1

    def drop(self, tensor: Tensor) -> None:
        """Take back one keep."""
        storage = tensor.untyped_storage()
        address = storage.data_ptr()
        self._users[address] -= 1
        if not self._users[address]:
            del self._users[address]
            self._bytes -= storage.nbytes()


class _Kept:
    """A saved tensor, counted for as long as autograd holds on to it."""

    def __init__(self, tensor: Tensor, meter: SavedTensors) -> None:
        self._tensor, self._meter = tensor.detach(), meter  # the tensor itself would be a cycle
        meter.keep(self._tensor)

    def unpack(self) -> Tensor:
        return self._tensor

    def __del__(self) -> None:
        self._meter.drop(self._tensor)
