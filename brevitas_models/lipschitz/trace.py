# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A model's graph of layers, with the values that one input takes in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx, nn

from brevitas_models.errors import ModelError
from brevitas_models.joins import ConvexSum
from brevitas_models.lipschitz.norms import Window
from brevitas_models.quantizers import DynamicQuantizedActivation
from steelflow_names import one_line

__all__ = [
    "NORMS",
    "Traced",
    "evaluating",
    "gain_behind",
    "gain_of",
    "layer_windows",
    "plain",
    "trace",
    "window_of",
]

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)

_OWN_LEAVES = (ConvexSum, DynamicQuantizedActivation)


class _Tracer(fx.Tracer):
    """Goes into everything but torch's, Brevitas' and our own layers."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        theirs = type(m).__module__.startswith("brevitas.")
        own = isinstance(m, _OWN_LEAVES)
        return theirs or own or super().is_leaf_module(m, module_qualified_name)


class Traced(fx.Interpreter):
    """The graph of a model and every node's value for one input.

    Attributes:
        values: by node; tensors have a batch of 1.
    """

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module, garbage_collect_values=False)
        self.values: dict[fx.Node, Any] = {}

    def run_node(self, n: fx.Node) -> Any:  # noqa: ANN401 - whatever the node computes
        """Run one node and keep its value."""
        found = super().run_node(n)
        self.values[n] = plain(found)
        return found

    def module_of(self, node: fx.Node) -> nn.Module | None:
        """Return the layer that a node calls, if it calls one."""
        if node.op != "call_module":
            return None
        return self.module.get_submodule(str(node.target))

    def shape(self, node: fx.Node) -> tuple[int, ...]:
        """Return the shape of a node's tensor without the batch."""
        return tuple(self.values[node].shape[1:])


def plain(value: Any) -> Any:  # noqa: ANN401
    """Return the tensor inside a Brevitas QuantTensor, and anything else as it is."""
    inside = getattr(value, "value", None)
    return inside if isinstance(inside, Tensor) else value


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into eval mode without gradients; every module gets its own mode back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def trace(model: nn.Module, shape: tuple[int, ...]) -> Traced:
    """Return the graph of a model in eval mode and its values for an image of zeros.

    Raises:
        ModelError: the model's forward depends on values, so that it has no one graph; or it
            does not take inputs of this shape.
    """
    try:
        graph = _Tracer().trace(model)
    except (fx.proxy.TraceError, TypeError) as error:
        raise ModelError(
            f"lipschitz: {type(model).__name__} has no graph of layers ({one_line(error)}); "
            "write its forward without conditions on tensors"
        ) from error
    traced = Traced(fx.GraphModule(model, graph))
    device = next(model.parameters()).device
    with evaluating(model):
        try:
            traced.run(torch.zeros(1, *shape, device=device))
        except RuntimeError as error:
            raise ModelError(
                f"lipschitz: {type(model).__name__} does not take inputs of shape {shape} "
                f"({one_line(error)[:200]}); give (C, H, W) of one image"
            ) from error
    return traced


def layer_windows(model: nn.Module, shape: tuple[int, ...]) -> dict[str, Window | None]:
    """Return the window of every convolution, and None for every linear layer, as they run."""
    traced, found = trace(model, shape), {}
    for node in traced.values:
        module = traced.module_of(node)
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            found[str(node.target)] = window_of(traced, node, module)
    return found


def window_of(traced: Traced, node: fx.Node, layer: nn.Module) -> Window | None:
    """Return how a layer moves over its input.

    Raises:
        ModelError: a padding that is not of zeros given in numbers.
    """
    if not isinstance(layer, nn.Conv2d):
        return None
    if isinstance(layer.padding, str) or layer.padding_mode != "zeros":
        raise ModelError(
            f"lipschitz: {node.target} has padding {layer.padding!r} ({layer.padding_mode}); "
            "give it as numbers of zeros"
        )
    source = node.args[0]
    assert isinstance(source, fx.Node)
    height, width = traced.shape(source)[-2:]
    return Window(
        size=(height, width),
        stride=(layer.stride[0], layer.stride[1]),
        padding=(layer.padding[0], layer.padding[1]),
        dilation=(layer.dilation[0], layer.dilation[1]),
        groups=layer.groups,
    )


def gain_of(norm: Any) -> Tensor:  # noqa: ANN401 - BatchNorms have no common public base
    """Return the factor float64[C] of a BatchNorm in eval mode."""
    gain = torch.rsqrt(norm.running_var.detach().double() + norm.eps)
    return gain * norm.weight.detach().double() if norm.affine else gain


def gain_behind(traced: Traced, node: fx.Node) -> Tensor | None:
    """Return the gain of the BatchNorm that alone reads a layer; None if there is none."""
    if len(node.users) != 1:
        return None
    norm = traced.module_of(next(iter(node.users)))
    return gain_of(norm) if isinstance(norm, NORMS) else None
