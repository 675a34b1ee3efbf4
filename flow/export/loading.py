# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The integer network of whatever names one: a QONNX file, a compiled network, one of the zoo."""

from pathlib import Path

from flow.integer import IntegerNetwork
from flow.lowering import InputEncoding, lower, read_model

__all__ = ["load_model"]


def load_model(
    source: Path | str, encoding: InputEncoding | None = None, *, folder: Path | None = None
) -> IntegerNetwork:
    """Return the exact integers of a model.

    Args:
        source: a QONNX file .onnx; a network.npz that `compile` has left; or a name of the zoo.
        encoding: of a QONNX file: its input for a uint8 pixel, where it does not declare it.
        folder: of the zoo's networks; that of the package when None.

    Raises:
        FlowError: a file that cannot be read, or nodes without integer form.
        ModelError: there is no such network in the zoo.
    """
    path = Path(source)
    if path.suffix == ".onnx":
        return lower(read_model(path), input_encoding=encoding).network
    if path.suffix == ".npz":
        return IntegerNetwork.load(path)
    from brevitas_models.pretrained import FOLDER, load  # noqa: PLC0415 - imports Brevitas
    from flow.export.deployment import lowered  # noqa: PLC0415 - too

    return lowered(load(str(source), folder or FOLDER))
