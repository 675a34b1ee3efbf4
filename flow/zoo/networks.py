# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The zoo's trained networks as QONNX files, and the images they are for."""

from pathlib import Path

import numpy as np
import torch

from brevitas_models.classifier import QuantClassifier
from brevitas_models.pretrained import card, load
from flow.classifier import Images, Logits, check_images
from flow.config import DataConfig
from flow.data.datasets import Dataset, load_dataset
from flow.export.qonnx import ExportResult, export_qonnx_model
from flow.threads import one_thread
from flow.zoo.defaults import data_section

__all__ = ["brevitas_logits", "dataset", "dataset_of", "export"]

_BATCH = 500


def export(name: str, path: Path) -> ExportResult:
    """Write a trained network as QONNX, as flow.export.qonnx.export_qonnx_model does.

    Raises:
        ModelError: there is no network of that name.
        FlowError: the file cannot be written.
    """
    return export_qonnx_model(load(name), path)


def dataset(name: str, folder: Path | None) -> Dataset:
    """Load the images that a trained network was trained and measured on.

    Raises:
        ModelError: there is no network of that name.
        FlowError: the data are not in `folder` or are damaged.
    """
    return dataset_of(card(name).data, folder)


def dataset_of(source: str, folder: Path | None) -> Dataset:
    """Load the images of a card's `data`; see zoo_config.data_section.

    Raises:
        FlowError: the data are not in `folder` or are damaged.
    """
    return load_dataset(DataConfig.model_validate(data_section(source)), folder)


def brevitas_logits(network: QuantClassifier, images: Images) -> Logits:
    """Return the integer logits int32[N, K] that Brevitas computes for uint8[N, H, W, C].

    Raises:
        FlowError: the images do not fit the network.
    """
    check_images(images, network.input_shape)
    parts = [np.zeros((0, network.classes), dtype=np.int32)]
    with one_thread(), torch.no_grad():
        for start in range(0, len(images), _BATCH):
            batch = torch.from_numpy(images[start : start + _BATCH]).permute(0, 3, 1, 2) / 255.0
            steps = network(batch).double().numpy() / network.logit_scale
            parts.append(np.rint(steps).astype(np.int32))
    return np.concatenate(parts)
