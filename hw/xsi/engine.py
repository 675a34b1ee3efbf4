# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The functions of finn.xsi that touch the simulator, on Verilator: FINN's names and arguments.

All others, and the class SimEngine, are FINN's own (`hw.xsi.binding`).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from finn.util.exception import FINNUserError
from finn.util.settings import get_settings

from hw.errors import HardwareError
from hw.xsi._build import plan_model, run_model_build
from hw.xsi._finn import load_adapter

__all__ = ["compile_sim_obj", "get_simkernel_so", "load_sim_obj", "rtlsim_multi_io"]

_LOG = "finnxsi_rtlsim.log"  # FINN's name for it
_CACHE = "verilated"


def compile_sim_obj(  # noqa: PLR0917 (FINN's)
    top_module_name: str,
    source_list: Sequence[str],
    sim_out_dir: Path,
    debug: bool = False,
    behav: bool = False,
    fifosim: bool = False,
    *,
    build_dir: Path | None = None,
) -> tuple[Path, Path]:
    """Compile a module; return `sim_out_dir` and the path of the model below it.

    Args:
        top_module_name: what is simulated.
        source_list: paths of Verilog and SystemVerilog files.
        sim_out_dir: an existing folder; gets a link to the compiled model.
        debug: the model can write waveforms.
        behav: FIFOs without limit, which record what they hold.
        fifosim: simulate finn_design_wrapper in place of `top_module_name`, as FINN does.
        build_dir: where compiled models are kept, by digest; by default in FINN's build folder.

    Raises:
        HardwareError: a source that is missing or of another language; a tool that failed.
    """
    top = "finn_design_wrapper" if fifosim else top_module_name
    plan = plan_model(top, [Path(source) for source in source_list], behavioural=behav, trace=debug)
    library = run_model_build(plan, build_dir or Path(get_settings().finn_build_dir) / _CACHE)
    model = Path("xsim.dir") / top_module_name / "xsimk.so"  # FINN looks for these names
    link = Path(sim_out_dir) / model
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(library)
    return Path(sim_out_dir), model


def load_sim_obj(
    sim_out_dir: Path,
    out_so_relative_path: Path | str,
    tracefile: str | None = None,
    simkernel_so: str | None = None,  # noqa: ARG001
) -> Any:  # noqa: ANN401
    """Return FINN's SimEngine on a compiled model.

    Args:
        sim_out_dir: what `compile_sim_obj` returned; the model's log goes there.
        out_so_relative_path: the path below it.
        tracefile: waveforms go there, relative to sim_out_dir and in VCD format whatever the
            suffix; the model must have been compiled for it.
        simkernel_so: is not used.

    Raises:
        HardwareError: no such model, or none that traces.
    """
    folder = Path(sim_out_dir)
    trace = str(folder / tracefile) if tracefile else None
    library, log = folder / out_so_relative_path, folder / _LOG
    return load_adapter().SimEngine("", str(library), str(log), trace)


def rtlsim_multi_io(  # noqa: PLR0917 (FINN's)
    sim: Any,  # noqa: ANN401
    io_dict: dict[str, dict[str, list[int]]],
    num_out_values: Any,  # noqa: ANN401
    sname: str = "_V_V",
    liveness_threshold: int = 10000,
    liveness_estimate: int | float | None = None,
) -> int:
    """Stream values in and out as FINN does; return the cycles that it took.

    Args:
        sim: a SimEngine after reset.
        io_dict: "inputs": stream -> beats as integers; "outputs": stream -> filled with beats.
        num_out_values: beats of the output, or of each output by name.
        sname: appended to the streams' names.
        liveness_threshold: cycles without a beat of an output after which it gives up.
        liveness_estimate: what the threshold was derived from, for the message.

    Raises:
        FINNUserError: no output for too long, with the streams that are stuck.
        HardwareError: a stream that the module does not have.
    """
    try:
        cycles: int = load_adapter().rtlsim_multi_io(
            sim, io_dict, num_out_values, sname, liveness_threshold, liveness_estimate
        )
    except FINNUserError as error:
        raise FINNUserError(f"{error} {_explain_stall(sim)}") from error
    return cycles


def get_simkernel_so() -> NoReturn:
    """Refuse: FINN compiles its C++ simulation drivers against a part of Vivado."""
    raise HardwareError(
        "FINN's C++ simulation of connected layers (FIFO sizing, performance) is compiled against "
        "Vivado's simulator kernel; use steelflow's FIFO sizing and simulation of accelerators"
    )


def _explain_stall(sim: Any) -> str:  # noqa: ANN401
    """Name the streams that are stuck: a sender that waits, or a receiver that waits."""
    streams = list(_streams(sim))
    blocked = [name for name, valid, ready in streams if valid and not ready]
    starved = [name for name, valid, ready in streams if ready and not valid]
    return (
        f"Stalled at cycle {sim.ticks}; valid without ready: {', '.join(blocked) or 'none'}; "
        f"ready without valid: {', '.join(starved) or 'none'}."
    )


def _streams(sim: Any) -> Iterator[tuple[str, bool, bool]]:  # noqa: ANN401
    """Yield name, valid and ready of each stream of the module."""
    ports = {port.name(): port for port in sim.top.ports()}
    for name, port in ports.items():
        stream, _, suffix = name.rpartition("_")
        ready = {"TVALID": "TREADY", "tvalid": "tready"}.get(suffix)
        if ready is not None:
            yield stream, port.read().as_bool(), ports[f"{stream}_{ready}"].read().as_bool()
