# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Iterator

import pytest
import torch
from qonnx.core.modelwrapper import ModelWrapper
from qonnx_models import tiny_qonnx

from flow.dataflow import to_dataflow
from flow.integer import IntegerNetwork
from flow.lowering import lower

PART = "xc7z020clg400-1"


@pytest.fixture(scope="session")
def tiny_network() -> IntegerNetwork:
    return lower(tiny_qonnx()).network


@pytest.fixture(scope="session")
def tiny_dataflow(tiny_network: IntegerNetwork) -> ModelWrapper:
    return to_dataflow(tiny_network, PART)


@pytest.fixture
def two_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)
