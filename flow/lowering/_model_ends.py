# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The ends of a model that others wrote: one image as input, one output of several."""

from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, numpy_helper

from flow.errors import FlowError

__all__ = ["BATCH", "fix_batch", "keep_output"]

BATCH = "steelflow_batch"  # the graph's metadata that says of how many images the model was made


def keep_output(proto: ModelProto, path: Path, name: str) -> None:
    """Leave one output, and the nodes that it depends on.

    Raises:
        FlowError: there is no output of this name.
    """
    outputs = {item.name: item for item in proto.graph.output}
    if name not in outputs:
        raise FlowError(
            f"{path}: output_name {name!r} is no output; outputs are {', '.join(outputs) or 'none'}"
        )
    needed, kept = {name}, list[NodeProto]()
    for node in reversed(proto.graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    del proto.graph.node[:], proto.graph.output[:]
    proto.graph.node.extend(reversed(kept))
    proto.graph.output.append(outputs[name])


def fix_batch(proto: ModelProto, path: Path) -> None:
    """Make a model of several images, or of any number, one of a single image.

    Raises:
        FlowError: the input has another size that is not known.
    """
    constants = {item.name for item in proto.graph.initializer}
    inputs = [item for item in proto.graph.input if item.name not in constants]
    del proto.graph.input[:]  # exporters list constants, too
    proto.graph.input.extend(inputs)
    for item in proto.graph.input:
        _fix_input(proto, path, item)


def _fix_input(proto: ModelProto, path: Path, item: ValueInfoProto) -> None:
    sizes = item.type.tensor_type.shape.dim
    given = sizes[0].dim_value if sizes else 0
    if sizes and given != 1:
        sizes[0].dim_value = 1
        del proto.graph.value_info[:]  # shapes of another batch
    shape = [size.dim_value or size.dim_param or "?" for size in sizes]
    if not shape or any(not isinstance(size, int) or size < 1 for size in shape):
        listed = ", ".join(map(str, shape))
        raise FlowError(
            f"{path}: input {item.name!r} has shape [{listed}]; export it with fixed sizes"
        )
    if given > 1:
        proto.graph.metadata_props.add(key=BATCH, value=str(given))
        _fix_outputs(proto, given)
        _fix_reshapes(proto, given)


def _fix_outputs(proto: ModelProto, batch: int) -> None:
    for item in proto.graph.output:
        sizes = item.type.tensor_type.shape.dim
        if sizes and sizes[0].dim_value == batch:
            sizes[0].dim_value = 1


def _fix_reshapes(proto: ModelProto, batch: int) -> None:
    """Put 1 where a Reshape to constant sizes begins with the batch."""
    constants = _constants(proto)
    for place, node in enumerate(proto.graph.node):
        if node.op_type != "Reshape" or node.input[1] not in constants:
            continue
        shape = numpy_helper.to_array(constants[node.input[1]]).reshape(-1)
        if shape.size and shape[0] == batch:
            name = f"{node.input[1]}_of_one_{place}"
            fixed = np.array([1, *shape[1:]], dtype=np.int64)
            proto.graph.initializer.append(numpy_helper.from_array(fixed, name))
            node.input[1] = name


def _constants(proto: ModelProto) -> dict[str, TensorProto]:
    """Return tensors by name: initializers, and what Constant nodes hold."""
    found = {item.name: item for item in proto.graph.initializer}
    for node in proto.graph.node:
        for item in node.attribute if node.op_type == "Constant" else ():
            if item.name == "value":
                found[node.output[0]] = item.t
    return found
