# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Compile the robust network to an accelerator, and both networks to integer form."""

from pathlib import Path

from flow._records import write_json
from flow.data import load_dataset
from flow.dataflow import Dataflow, fold, folding_of, generate_rtl, to_dataflow
from flow.export import load_qonnx
from flow.integer import lower
from flow.pipeline import Context, Settings, Step
from flow.progress import meter
from flow.steps.train import NETWORKS
from hw.finn_session import finn_build_dir
from hw.parts import find_part
from hw.stitch import stitch, with_fifo_depths
from hw.verilator.fifo_sizing import measure_fifo_depths

__all__ = ["CompileStep"]

_SIZING_IMAGES = 12  # as many as measure_fifo_depths simulates


class CompileStep(Step):
    """robust.onnx, plain.onnx -> accelerator/, dataflow.onnx, *.npz, folding.json."""

    name = "compile"
    needs = ("export",)
    tools = ("finn-plus", "qonnx", "verilator")

    def settings(self, context: Context) -> Settings:
        """Return the hardware target."""
        config = context.config
        return {"compile": config.compile, "name": config.name, "data": config.data}

    def inputs(self, context: Context) -> list[Path]:
        """Return the exported networks."""
        return [context.folder("export") / f"{name}.onnx" for name in NETWORKS]

    def run(self, context: Context, folder: Path, scratch: Path) -> None:
        """Lower both networks; fold, generate and stitch the robust one."""
        part = find_part(context.config.compile.part).name
        flows: dict[str, Dataflow] = {}
        with finn_build_dir(scratch / "finn"):
            for name in NETWORKS:
                exported = load_qonnx(context.folder("export") / f"{name}.onnx")
                flows[name] = to_dataflow(exported.model, part, scratch)
                lower(flows[name].model, flows[name].scale).save(folder / f"{name}.npz")
            flows["robust"].model.save(str(folder / "dataflow.onnx"))
            _build(context, flows["robust"], part, folder, scratch)


def _build(context: Context, dataflow: Dataflow, part: str, folder: Path, scratch: Path) -> None:
    """Stitch, see in simulation how deep the FIFOs must be, and write it with those depths."""
    config = context.config.compile
    model, cycles = fold(dataflow.model, config)
    write_json(folder / "folding.json", {"cycles": cycles, "folding": folding_of(model)})
    stitched = stitch(
        generate_rtl(model, part, config.clock_mhz),
        scratch / "stitched",
        name=context.config.name,
        part=part,
        clock_mhz=config.clock_mhz,
        logit_scale=dataflow.scale,
    )
    images = load_dataset(context.config.data, context.data).test_images[:_SIZING_IMAGES]
    with meter("simulation to size the FIFOs", unit="frames") as report:
        depths = measure_fifo_depths(
            stitched, images, build_dir=context.cache("verilator"), progress=report
        )
    with_fifo_depths(stitched, depths, folder / "accelerator")
