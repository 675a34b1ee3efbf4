# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Each layer's exact constant and a bound of the whole network, for any Brevitas model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import Tensor, fx, nn

from brevitas_models.errors import ModelError
from brevitas_models.joins import ConvexSum
from brevitas_models.lipschitz._rules import (
    FUNCTIONS,
    PASSING,
    Bound,
    joined,
    pooled,
    quantized,
)
from brevitas_models.lipschitz._weights import quantized_weight
from brevitas_models.lipschitz.norms import SPECTRAL_TOLERANCE, Norm, Window, operator_norm
from brevitas_models.lipschitz.trace import NORMS, Traced, gain_of, trace, window_of
from brevitas_models.quantizers import staircase
from brevitas_models.quantizers.staircase import proxy_staircase

__all__ = ["LayerLipschitz", "NetworkBound", "elasticities", "layer_lipschitz", "network_bound"]


@dataclass(frozen=True)
class LayerLipschitz:
    """The constants of one layer.

    Attributes:
        name: of the module.
        weights: the norm of the dequantized weights as a linear map.
        folded: the same with the gain of the BatchNorm behind it, channel by channel.
    """

    name: str
    weights: float
    folded: float


@dataclass(frozen=True, kw_only=True)
class NetworkBound:
    """||logits(x) - logits(y)|| <= slope * ||x - y|| + rounding, for all inputs.

    Rounding is not Lipschitz: an activation quantizer with levels a step apart adds at most one
    step to a value's distance, and `rounding` is what all of them can add behind the last layer.
    A chain's slope is the product of its layers', a residual block's the sum over its branches,
    weighted where the join is convex. Behind 1-bit activations it is 0: all is rounding. Learned
    thresholds that lie close make it large. l2 norms come from below, to the tolerance.
    """

    norm: Norm
    slope: float
    rounding: float
    layers: tuple[LayerLipschitz, ...]


def layer_lipschitz(
    model: nn.Module,
    shape: tuple[int, ...],
    norm: Norm = Norm.L2,
    *,
    tolerance: float = SPECTRAL_TOLERANCE,
) -> list[LayerLipschitz]:
    """Return the constants of every layer in the order in which they run.

    Args:
        model: any made of Brevitas' or torch's layers; BatchNorms are taken as in eval mode.
        shape: of one input, (C, H, W).
        norm: of the distances.
        tolerance: relative, of l2 norms; 1e-4 takes a fraction of the time.

    Raises:
        ModelError: the model has no graph, or a layer without a known bound.
    """
    return list(network_bound(model, shape, norm, tolerance=tolerance).layers)


def network_bound(
    model: nn.Module,
    shape: tuple[int, ...],
    norm: Norm = Norm.L2,
    *,
    tolerance: float = SPECTRAL_TOLERANCE,
) -> NetworkBound:
    """Return the bound of a whole model, residual or not, and its layers'; as layer_lipschitz."""
    walk = _Walk(trace(model, shape), norm, tolerance=tolerance)
    total = walk.run()
    return NetworkBound(
        norm=norm,
        slope=total.slope,
        rounding=total.rounding,
        layers=tuple(walk.layers.values()),
    )


def elasticities(
    traced: Traced, norm: Norm = Norm.L2, *, tolerance: float = 1e-4
) -> dict[str, float]:
    """Return how the bound's slope depends on each layer: its relative change over the layer's.

    It is 1 in a chain, and a branch's share in a sum of branches. Where the slope is 0, as behind
    1-bit activations, it is 1 everywhere.
    """
    walk = _Walk(traced, norm, tolerance=tolerance)
    slope = walk.run().slope
    constants = {name: layer.folded for name, layer in walk.layers.items()}
    if not 0 < slope < float("inf"):
        return dict.fromkeys(constants, 1.0)
    rest = {name: _Walk(traced, norm, constants | {name: 0.0}).run().slope for name in constants}
    return {name: 1.0 - without / slope for name, without in rest.items()}


@dataclass(frozen=True)
class _Unfolded:
    """A layer in front of a BatchNorm, and the bound of its input."""

    weight: Tensor
    window: Window | None
    source: Bound


class _Walk:
    """Carries bounds through the graph; None is a constant."""

    def __init__(
        self,
        traced: Traced,
        norm: Norm,
        given: Mapping[str, float] | None = None,
        *,
        tolerance: float = SPECTRAL_TOLERANCE,
    ) -> None:
        self.traced, self.norm = traced, norm
        self.given, self.tolerance = given or {}, tolerance
        self.bounds: dict[fx.Node, Bound | None] = {}
        self.layers: dict[str, LayerLipschitz] = {}
        self.unfolded: dict[fx.Node, _Unfolded] = {}

    def run(self) -> Bound:
        """Return the bound of the output."""
        for node in self.traced.values:
            self.bounds[node] = self._bound(node)
        (output,) = (node for node in self.bounds if node.op == "output")
        found = self.bounds[output]
        assert found is not None
        return found

    def _bound(self, node: fx.Node) -> Bound | None:
        sources = [self.bounds[one] for one in node.all_input_nodes]
        if node.op == "placeholder":
            return Bound(1.0)
        if not any(sources) or not isinstance(self.traced.values[node], Tensor):
            return None
        if node.op == "output":
            return sources[0]
        module = self.traced.module_of(node)
        if module is not None:
            return self._module(node, module, sources)
        return self._function(node)

    def _function(self, node: fx.Node) -> Bound:
        operands = list(node.args)
        bounds = [self.bounds[one] if isinstance(one, fx.Node) else None for one in operands]
        values = [self.traced.values[o] if isinstance(o, fx.Node) else o for o in operands]
        try:
            if node.target in (torch.cat, torch.concat):
                return self._concatenated(node)
            return FUNCTIONS[node.target](bounds, values)
        except (KeyError, NotImplementedError):
            raise self._unknown(node, getattr(node.target, "__name__", str(node.target))) from None

    def _concatenated(self, node: fx.Node) -> Bound:
        parts = [one for one in map(self.bounds.get, node.all_input_nodes) if one is not None]
        slopes = torch.tensor([one.slope for one in parts], dtype=torch.float64)
        roundings = torch.tensor([one.rounding for one in parts], dtype=torch.float64)
        order = 2 if self.norm is Norm.L2 else float("inf")
        return Bound(*(float(torch.linalg.vector_norm(v, order)) for v in (slopes, roundings)))

    def _module(self, node: fx.Node, module: nn.Module, sources: list[Bound | None]) -> Bound:
        source = sources[0]
        if isinstance(module, ConvexSum):
            return joined(module, [self.bounds[one] for one in node.args])  # type: ignore[index]
        assert source is not None
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            return self._weighted(node, module, source)
        if isinstance(module, NORMS):
            return self._normalised(node, module, source)
        return self._other(node, module, source)

    def _weighted(self, node: fx.Node, layer: Any, source: Bound) -> Bound:  # noqa: ANN401
        window = window_of(self.traced, node, layer)
        weight = quantized_weight(layer).detach().double()
        read = self._rounded(node.all_input_nodes[0], getattr(layer, "input_quant", None), source)
        name = str(node.target)
        norm = self._measure(name, weight, window)
        self.layers[name] = LayerLipschitz(name, norm, norm)
        self.unfolded[node] = _Unfolded(weight, window, read)
        return self._rounded(node, getattr(layer, "output_quant", None), read * norm)

    def _normalised(self, node: fx.Node, norm: nn.Module, source: Bound) -> Bound:
        gain, layer = gain_of(norm), node.all_input_nodes[0]
        proxy = getattr(self.traced.module_of(layer), "output_quant", None)
        if len(layer.users) != 1 or layer not in self.unfolded or proxy_staircase(proxy):
            return source * float(gain.abs().max())
        found, name = self.unfolded[layer], str(layer.target)
        shaped = gain.reshape(-1, *(1 for _ in found.weight.shape[1:]))
        folded = self._measure(name, found.weight * shaped, found.window)
        self.layers[name] = replace(self.layers[name], folded=folded)
        return found.source * folded

    def _measure(self, name: str, weight: Tensor, window: Window | None) -> float:
        """Return a layer's constant: the given one, if there is one."""
        if name in self.given:
            return self.given[name]
        return operator_norm(weight, window, self.norm, self.tolerance)

    def _other(self, node: fx.Node, module: nn.Module, source: Bound) -> Bound:
        stairs, count = staircase(module), prod(self.traced.shape(node))
        before = self._rounded(node, getattr(module, "input_quant", None), source)
        if stairs is not None:
            return quantized(before, stairs, count, self.norm)
        if isinstance(module, PASSING) or hasattr(module, "act_quant"):
            return before
        factor = pooled(module, self.traced.shape(node.all_input_nodes[0]), self.norm)
        if factor is None or type(module).__module__.startswith("brevitas."):
            raise self._unknown(node, type(module).__name__)
        return source * factor

    def _rounded(self, node: fx.Node, proxy: Any, bound: Bound) -> Bound:  # noqa: ANN401
        """Return the bound behind a quantizer at a layer's input or output, if it is on."""
        stairs = proxy_staircase(proxy)
        return quantized(bound, stairs, prod(self.traced.shape(node)), self.norm)

    def _unknown(self, node: fx.Node, kind: str) -> ModelError:
        return ModelError(
            f"lipschitz: no bound of {kind} ({node.name}) is known; "
            "replace it by layers that the architectures here have"
        )
