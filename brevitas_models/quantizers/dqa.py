# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Fixed and dynamic quantized activations (Rakin, Yi, Gong, Fan, arXiv:1807.06714, 2018).

m levels, evenly spaced around 0, told apart by m - 1 thresholds T_k. Only the paper's abstract was
at hand; what follows is our reading of it. *Fixed*: the thresholds lie half-way between the levels,
so that the activation is a quantized hard tanh. *Dynamic*: they are trained with the network, one
set a layer. The gradient towards the input passes straight through between the outermost levels;
towards T_k a step counts as a ramp one level wide around it.
"""

from typing import Any

import torch
from torch import Tensor, nn

from brevitas_models.errors import ModelError

__all__ = ["DynamicQuantizedActivation"]

_DOMAIN, _VERSION = "qonnx.custom_op.general", 2


class _Steps(torch.autograd.Function):
    """lowest + step * the number of thresholds that a value reaches."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's own
        values: Tensor,
        thresholds: Tensor,
        lowest: float,
        step: float,
    ) -> Tensor:
        ctx.save_for_backward(values, thresholds)
        ctx.lowest, ctx.step = lowest, step
        return lowest + step * torch.bucketize(values, thresholds, right=True).to(values.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        values, thresholds = ctx.saved_tensors
        inside = gradient * (values.abs() <= -ctx.lowest)
        if not ctx.needs_input_grad[1]:
            return inside, None, None, None
        half = ctx.step / 2
        moved = [-(gradient * ((values - one).abs() <= half)).sum() for one in thresholds]
        return inside, torch.stack(moved), None, None


class DynamicQuantizedActivation(nn.Module):
    """Map float[...] to m levels around 0.

    In QONNX it is one MultiThreshold with these very thresholds, which an FPGA's thresholding unit
    holds as they are.

    Attributes:
        levels: m.
        step: between two levels; the outermost are +-(m - 1) / 2 steps.
        thresholds: float[m - 1] in any order; a parameter if learned, else a buffer.
        disable_quant: clip to the outermost levels only, as Brevitas' quantizers can be told to.
    """

    thresholds: Tensor

    def __init__(self, levels: int, *, step: float, learned: bool) -> None:
        super().__init__()
        if levels < 2 or step <= 0:
            raise ModelError(
                f"dqa: {levels} levels with step {step:g}; give at least 2 levels, a step above 0"
            )
        self.levels, self.step, self.disable_quant = levels, step, False
        start = (torch.arange(1, levels) - levels / 2) * step
        if learned:
            self.thresholds = nn.Parameter(start)
        else:
            self.register_buffer("thresholds", start)

    @property
    def lowest(self) -> float:
        """The lowest level."""
        return -(self.levels - 1) / 2 * self.step

    def forward(self, values: Tensor) -> Tensor:
        """Map float[...] to its levels, float[...]."""
        if torch.onnx.is_in_onnx_export():
            return self._exported(values)
        thresholds = self.thresholds.sort().values
        if self.disable_quant:
            return values.clamp(self.lowest, -self.lowest)
        exact = values.to(thresholds.dtype)  # mixed precision compares with unrounded thresholds
        found: Tensor = _Steps.apply(exact, thresholds, self.lowest, self.step)
        return found.to(values.dtype)

    def _exported(self, values: Tensor) -> Tensor:
        """Return a MultiThreshold node, which counts thresholds in whatever order they are."""
        attributes: dict[str, Any] = {
            "out_scale": self.step,
            "out_bias": self.lowest,
            "out_dtype": "FLOAT32",
        }
        return torch.onnx.ops.symbolic(
            f"{_DOMAIN}::MultiThreshold",
            (values, self.thresholds[None]),
            attributes,
            dtype=values.dtype,
            shape=values.shape,
            version=_VERSION,
        )

    def extra_repr(self) -> str:
        """Show the levels as torch shows a module's settings."""
        learned = isinstance(self.thresholds, nn.Parameter)
        return f"levels={self.levels}, step={self.step:g}, learned={learned}"
