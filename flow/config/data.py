# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Which images a run is about."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from flow.config.section import Positive, Section

__all__ = ["DataConfig", "DataFormat"]

DataFormat = Literal["jpeg", "python", "binary"]


class DataConfig(Section):
    """The images: embedded digits (8x8), a data set by name, or a folder or tar of your own."""

    source: str = "digits"  # of flow.data.datasets: mnist, fashion_mnist, cifar10, svhn, folder
    train_images: Annotated[int, Field(ge=2)] | None = (
        None  # the first n of the training split; all when absent
    )
    test_images: Positive | None = None  # the first n of the test split; all when absent
    format: DataFormat | None = None  # of CIFAR-10, where the data folder holds several
    path: str | None = None  # of `folder`: train/<class>/*.png ..., in the data folder or absolute
    image_size: tuple[Positive, Positive] | None = None  # of `folder`: height, width to resize to

    @model_validator(mode="after")
    def _keys_of_the_source(self) -> "DataConfig":
        if self.source == "folder" and self.path is None:
            raise ValueError("source: folder needs path, the folder or tar of the images; add it")
        for key, source in (("format", "cifar10"), ("path", "folder"), ("image_size", "folder")):
            if getattr(self, key) is not None and self.source != source:
                raise ValueError(f"{key} is for source: {source} only; remove it")
        return self
