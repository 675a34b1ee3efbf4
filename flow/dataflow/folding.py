# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Folding: how many multiplications of each layer happen in one cycle."""

import copy
from collections.abc import Mapping
from typing import Any

from finn.analysis.fpgadataflow.exp_cycles_per_layer import exp_cycles_per_layer
from finn.transformation.fpgadataflow.set_folding import SetFolding
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from flow.errors import FlowError
from flow.settings import CompileConfig, FoldingConfig

__all__ = ["fold", "folding_of"]

_WEIGHT_BITS_PER_PE = (36, 72, 144, 288, 576, 1152)  # a BRAM word, then wider ones if need be


def fold(model: ModelWrapper, config: CompileConfig) -> tuple[ModelWrapper, dict[str, int]]:
    """Set PE and SIMD of every layer; return the model and each layer's cycles per frame.

    Layers named in config.folding get what is asked for; the others are unfolded until they take
    at most clock / target_fps cycles. Without a target_fps every matrix layer must be named, and
    the layers between them are unfolded just enough not to be slower.

    Raises:
        FlowError: an unknown layer (known ones are listed), a PE or SIMD that does not divide
            its layer (legal values are listed), or a target that cannot be reached (the slowest
            layer and its rate are named).
    """
    model = copy.deepcopy(model)
    _check_names(model, config)
    for name, choice in config.folding.items():
        _set(model, name, choice)
    target = _target_cycles(model, config)
    model = _unfold(model, target, config.folding)
    cycles = {name: int(value) for name, value in model.analysis(exp_cycles_per_layer).items()}
    _check_rate(cycles, config)
    return model, cycles


def folding_of(model: ModelWrapper) -> dict[str, dict[str, int]]:
    """Return PE and SIMD of every matrix layer, in the form that a configuration gives them."""
    return {
        name: {"pe": layer.get_nodeattr("PE"), "simd": layer.get_nodeattr("SIMD")}
        for name, layer in _matrix_layers(model).items()
    }


def _matrix_layers(model: ModelWrapper) -> dict[str, Any]:
    return {node.name: getCustomOp(node) for node in model.get_nodes_by_op_type("MVAU_rtl")}


def _check_names(model: ModelWrapper, config: CompileConfig) -> None:
    layers = _matrix_layers(model)
    for name in config.folding:
        if name not in layers:
            raise FlowError(f"compile.folding: no layer {name!r}; layers are {', '.join(layers)}")
    missing = [name for name in layers if name not in config.folding]
    if config.target_fps is None and missing:
        raise FlowError(
            f"compile.folding: {', '.join(missing)} not given and target_fps is null; "
            "set target_fps or give a folding for every matrix layer"
        )


def _set(model: ModelWrapper, name: str, choice: FoldingConfig) -> None:
    layer = _matrix_layers(model)[name]
    for attribute, value, size in (
        ("PE", choice.pe, layer.get_nodeattr("MH")),
        ("SIMD", choice.simd, layer.get_nodeattr("MW")),
    ):
        if size % value:
            legal = ", ".join(str(n) for n in range(1, size + 1) if size % n == 0)
            raise FlowError(
                f"compile.folding.{name}: {attribute} {value} does not divide {size}; "
                f"legal values are {legal}"
            )
        layer.set_nodeattr(attribute, value)


def _target_cycles(model: ModelWrapper, config: CompileConfig) -> int:
    if config.target_fps is not None:
        return max(1, int(config.clock_mhz * 1e6 / config.target_fps))
    return max(int(layer.get_exp_cycles()) for layer in _matrix_layers(model).values())


def _unfold(model: ModelWrapper, target: int, given: Mapping[str, FoldingConfig]) -> ModelWrapper:
    """Let FINN choose, with the narrowest weight words that reach the target."""
    for width in _WEIGHT_BITS_PER_PE:
        model = model.transform(SetFolding(target, width, two_pass_relaxation=False))
        for name, choice in given.items():
            _set(model, name, choice)
        if max(model.analysis(exp_cycles_per_layer).values()) <= target:
            break
    return model


def _check_rate(cycles: Mapping[str, int], config: CompileConfig) -> None:
    slowest = max(cycles, key=lambda name: cycles[name])
    rate = config.clock_mhz * 1e6 / cycles[slowest]
    if config.target_fps is not None and rate < config.target_fps:
        raise FlowError(
            f"compile.target_fps: {config.target_fps:g} cannot be reached: {slowest} takes "
            f"{cycles[slowest]} cycles a frame, {rate:.0f} frames/s at {config.clock_mhz:g} MHz; "
            "lower target_fps, raise clock_mhz or change that layer's folding"
        )
