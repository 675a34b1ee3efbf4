# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import pytest
import torch

from brevitas_models.architectures import build, convnet_settings
from brevitas_models.classifier import QuantClassifier
from flow.config import DataConfig
from flow.data.datasets import load_dataset
from flow.objectives import Batch, TrainingSet

EPSILON = 24.0


@pytest.fixture(scope="session")
def data() -> TrainingSet:
    digits = load_dataset(DataConfig(train_images=160), None)
    images = torch.from_numpy(digits.train_images).permute(0, 3, 1, 2).contiguous()
    return TrainingSet(images=images, labels=torch.from_numpy(digits.train_labels), classes=10)


@pytest.fixture
def network() -> QuantClassifier:
    settings = convnet_settings(input_shape=(8, 8, 1), classes=10, channels=(4, 8), strides=(2, 2))
    return build(settings, seed=1)


@pytest.fixture
def batch(data: TrainingSet) -> Batch:
    return Batch(
        images=data.images[:64].float(),
        labels=data.labels[:64],
        epsilon_255=EPSILON,
        generator=torch.Generator().manual_seed(5),
    )
