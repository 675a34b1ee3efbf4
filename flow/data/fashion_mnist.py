# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017): clothes in the files and the format of MNIST."""

from typing import ClassVar

from flow.data.mnist import Mnist

__all__ = ["FashionMnist"]


class FashionMnist(Mnist):
    """In the data folder's subfolder fashion_mnist, for its files have MNIST's names."""

    name: ClassVar[str] = "fashion_mnist"
    places: ClassVar[tuple[str, ...]] = ("fashion_mnist/",)
