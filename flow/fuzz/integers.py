# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Random integer networks over every operation and wide values, for comparing engines."""

from collections.abc import Callable

import numpy as np

from flow.integer import (
    IMAGE,
    Add,
    Bias,
    Concat,
    Convolution,
    Dense,
    Flatten,
    Gather,
    IntegerNetwork,
    Interval,
    MaxPool,
    Operation,
    Scale,
    SumPool,
    Threshold,
)
from flow.integer.operations import Shape

__all__ = ["random_network"]

_WEIGHTS = (1, 1, 2, 2, 3, 4, 8, 12, 20)  # bits; 1 is -1 or 1
_LIMIT = 2**45  # of the values inside, well below the reference's 2**53


class _Builder:
    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        height, width = (int(size) for size in self.rng.integers(1, 8, 2))
        self.shapes: dict[str, Shape] = {IMAGE: (height, width, int(self.rng.integers(1, 5)))}
        self.ranges = {IMAGE: Interval(0, 255)}
        self.operations: list[Operation] = []
        self.input_shape = (height, width, self.shapes[IMAGE][2])

    def name(self) -> str:
        return f"op{len(self.operations)}"

    def push(self, operation: Operation) -> None:
        reads = operation.inputs
        self.shapes[operation.name] = operation.output_shape(*(self.shapes[r] for r in reads))
        self.ranges[operation.name] = operation.output_range(*(self.ranges[r] for r in reads))
        self.operations.append(operation)

    def pick(self, dimensions: int) -> str:
        """Return a value to read, mostly the newest."""
        names = [n for n, shape in self.shapes.items() if len(shape) == dimensions]
        return names[-1] if self.rng.random() < 0.7 else str(self.rng.choice(names))

    def weights(self, shape: Shape) -> np.ndarray:
        bits = int(self.rng.choice(_WEIGHTS))
        if bits == 1:
            return self.rng.integers(0, 2, shape) * 2 - 1
        most = 2 ** (bits - 1) - 1
        return self.rng.integers(-most - int(bits == 8), most + 1, shape)

    def channels(self) -> int:
        return int(self.rng.choice([1, 3, 8, 17, 32, 33, 64]))

    def window(self, shape: Shape) -> dict[str, tuple[int, ...]]:
        kernel = [int(self.rng.integers(1, min(size, 4) + 1)) for size in shape[:2]]
        pads = [int(self.rng.integers(0, size)) for size in (*kernel, *kernel)]
        padding = tuple(pads) if self.rng.random() < 0.6 else (0, 0, 0, 0)
        return {
            "kernel": (kernel[0], kernel[1]),
            "stride": (int(self.rng.integers(1, 3)), int(self.rng.integers(1, 3))),
            "padding": padding,
        }

    def convolution(self) -> None:
        read = self.pick(3)
        channels = self.shapes[read][2]
        groups = int(self.rng.choice([1, 1, channels, *(g for g in (2, 4) if channels % g == 0)]))
        outputs = groups * int(self.rng.integers(1, 3)) if groups > 1 else self.channels()
        window = self.window(self.shapes[read])
        kernel = window.pop("kernel")
        weights = self.weights((*kernel, channels // groups, outputs))
        self.push(
            Convolution(
                name=self.name(), inputs=(read,), weights=weights, groups=groups,
                stride=window["stride"][:2], padding=window["padding"][:4],  # type: ignore[arg-type]
            )
        )  # fmt: skip

    def dense(self) -> None:
        read = self.pick(1)
        weights = self.weights((self.shapes[read][0], self.channels()))
        self.push(Dense(name=self.name(), inputs=(read,), weights=weights))

    def threshold(self) -> None:
        read = self.pick(int(self.rng.choice([1, 3])) if self.has_vector() else 3)
        values, channels = self.ranges[read], self.shapes[read][-1]
        levels = int(self.rng.choice([1, 1, 2, 3, 3, 7, 15, 40, 255, 300]))
        rows = channels if self.rng.random() < 0.8 else 1
        if self.rng.random() < 0.5:  # evenly spaced, as of a uniform quantizer
            width = max(values.hi - values.lo, 1)
            first = self.rng.uniform(values.lo - width / 4, values.hi, (rows, 1))
            spacing = self.rng.uniform(0, width / levels, (rows, 1))
            found = np.ceil(first + spacing * np.arange(levels))
        else:
            found = self.rng.integers(values.lo - 2, values.hi + 3, (rows, levels))
        offset, step = (-1, 2) if levels == 1 else (int(self.rng.choice([0, 0, -2, 5])), 1)
        thresholds = np.sort(found.astype(np.int64), axis=1)
        self.push(
            Threshold(
                name=self.name(), inputs=(read,), thresholds=thresholds, offset=offset, step=step
            )
        )

    def pool(self) -> None:
        read = self.pick(3)
        kind = MaxPool if self.rng.random() < 0.6 else SumPool
        window = self.window(self.shapes[read])
        self.push(kind(name=self.name(), inputs=(read,), **window))  # type: ignore[arg-type]

    def add(self) -> None:
        read = self.pick(3)
        others = [n for n, shape in self.shapes.items() if shape == self.shapes[read]]
        reads = (read, *(str(n) for n in self.rng.choice(others, self.rng.integers(1, 3))))
        factors = tuple(int(f) for f in self.rng.integers(-3, 4, len(reads)))
        self.push(Add(name=self.name(), inputs=reads, factors=factors))

    def concat(self) -> None:
        read = self.pick(3)
        size = self.shapes[read][:-1]
        others = [n for n, shape in self.shapes.items() if shape[:-1] == size]
        reads = (read, *(str(n) for n in self.rng.choice(others, self.rng.integers(1, 3))))
        self.push(Concat(name=self.name(), inputs=reads))

    def join(self) -> None:
        """Join images along their height or width."""
        read, axis = self.pick(3), int(self.rng.integers(2))
        size = list(self.shapes[read])
        others = []
        for name, shape in self.shapes.items():
            if len(shape) == 3 and [*shape[:axis], *shape[axis + 1 :]] == (
                size[:axis] + size[axis + 1 :]
            ):
                others.append(name)
        reads = (read, *(str(n) for n in self.rng.choice(others, self.rng.integers(1, 3))))
        self.push(Concat(name=self.name(), inputs=reads, axis=axis))

    def gather(self) -> None:
        """Take random places, mostly in rows of the value's own channels."""
        read = self.pick(int(self.rng.choice([1, 3])) if self.has_vector() else 3)
        values, channels = int(np.prod(self.shapes[read])), self.shapes[read][-1]
        if self.rng.random() < 0.3:
            channels = int(self.rng.choice([n for n in range(1, values + 1) if values % n == 0]))
        size = (int(self.rng.integers(1, 9)), int(self.rng.integers(1, 9)))
        places = self.rng.integers(0, values // channels, size)
        self.push(Gather(name=self.name(), inputs=(read,), places=places, channels=channels))

    def scale(self) -> None:
        read = self.pick(3)
        most = int(self.rng.choice([2, 100, 2**30]))
        factors = self.rng.integers(0, most, self.shapes[read][:2])
        self.push(Scale(name=self.name(), inputs=(read,), factors=factors))

    def bias(self) -> None:
        read = self.pick(3)
        size = self.shapes[read][-1] if self.rng.random() < 0.7 else 1
        most = int(self.rng.choice([5, 1000, 2**33]))
        values = self.rng.integers(-most, most + 1, size)
        self.push(Bias(name=self.name(), inputs=(read,), values=values))

    def flatten(self) -> None:
        self.push(Flatten(name=self.name(), inputs=(self.pick(3),)))

    def has_vector(self) -> bool:
        return any(len(shape) == 1 for shape in self.shapes.values())

    def fits(self) -> bool:
        return all(values.magnitude() < _LIMIT for values in self.ranges.values())

    def keep_if_it_fits(self, action: Callable[[], None]) -> None:
        count = len(self.operations)
        action()
        if not self.fits() or np.prod(self.shapes[self.operations[-1].name]) > 4000:
            for operation in self.operations[count:]:
                del self.shapes[operation.name], self.ranges[operation.name]
            del self.operations[count:]

    def network(self) -> IntegerNetwork:
        actions = [self.convolution] * 4 + [self.threshold] * 6 + [self.pool] * 2
        actions += [self.add, self.concat, self.bias, self.join, self.gather, self.scale]
        for _ in range(int(self.rng.integers(2, 9))):
            self.keep_if_it_fits(actions[int(self.rng.integers(len(actions)))])
        self.flatten()
        for _ in range(int(self.rng.integers(1, 4))):
            self.keep_if_it_fits(self.dense)
            self.keep_if_it_fits(self.threshold)
        self.finish()
        return IntegerNetwork(tuple(self.operations), self.input_shape, 1.0)

    def finish(self) -> None:
        """End with logits that fit int32."""
        last = [n for n, shape in self.shapes.items() if len(shape) == 1][-1]
        weights = self.rng.integers(-1, 2, (self.shapes[last][0], 5))
        dense = Dense(name=self.name(), inputs=(last,), weights=weights)
        if dense.output_range(self.ranges[last]).magnitude() < 2**31:
            return self.push(dense)
        values = self.ranges[last]
        levels = self.rng.integers(values.lo, values.hi + 1, (1, 9))
        self.push(
            Threshold(
                name=self.name(), inputs=(last,), thresholds=np.sort(levels, axis=1), offset=-4
            )
        )
        return None


def random_network(seed: int) -> IntegerNetwork:
    """Return a small network of random operations, bit widths, shapes and wiring."""
    return _Builder(seed).network()
