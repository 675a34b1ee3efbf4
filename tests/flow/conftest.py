# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest
from qonnx_models import tiny_qonnx

from flow.dataflow import Dataflow, to_dataflow
from flow.integer import IntegerNetwork, lower

PART = "xc7z020clg400-1"


@pytest.fixture(scope="session")
def tiny_dataflow(tmp_path_factory: pytest.TempPathFactory) -> Dataflow:
    return to_dataflow(tiny_qonnx(), PART, Path(tmp_path_factory.mktemp("partition")))


@pytest.fixture(scope="session")
def tiny_network(tiny_dataflow: Dataflow) -> IntegerNetwork:
    return lower(tiny_dataflow.model, tiny_dataflow.scale)
