# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The engine below FINN's rtlsim: any module, its streams, and what is said if it fails."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import finn
import finn.xsi
import numpy as np
import pytest
from finn.util.exception import FINNUserError

from hw.errors import HardwareError
from hw.xsi import _build, binding
from hw.xsi._finn import load_adapter
from hw.xsi.design import Design, Kernel
from hw.xsi.engine import compile_sim_obj, get_simkernel_so, load_sim_obj, rtlsim_multi_io

pytestmark = pytest.mark.slow

FIFO = Path(finn.__file__).parent / "finn-rtllib" / "fifo" / "hdl"

# in0_V + in1_V on out0_V and their difference on out1_V, beat by beat; wider than 64 bits.
PAIR = """
module pair (
  input  logic        ap_clk, ap_rst_n,
  input  logic [71:0] in0_V_TDATA, in1_V_TDATA,
  input  logic        in0_V_TVALID, in1_V_TVALID,
  output logic        in0_V_TREADY, in1_V_TREADY,
  output logic [71:0] out0_V_TDATA, out1_V_TDATA,
  output logic        out0_V_TVALID, out1_V_TVALID,
  input  logic        out0_V_TREADY, out1_V_TREADY
);
  logic take;
  assign take = in0_V_TVALID && in1_V_TVALID
    && (!out0_V_TVALID || out0_V_TREADY) && (!out1_V_TVALID || out1_V_TREADY);
  assign {in0_V_TREADY, in1_V_TREADY} = {2{take}};
  always_ff @(posedge ap_clk) begin
    if (take) begin
      out0_V_TDATA <= in0_V_TDATA + in1_V_TDATA;
      out1_V_TDATA <= in0_V_TDATA - in1_V_TDATA;
    end
    out0_V_TVALID <= ap_rst_n && (take || (out0_V_TVALID && !out0_V_TREADY));
    out1_V_TVALID <= ap_rst_n && (take || (out1_V_TVALID && !out1_V_TREADY));
  end
endmodule
"""
# Says when the reset ends, and gives up when trap_i is 5.
TRAP = """
module trap (input logic ap_clk, ap_rst_n, input logic [3:0] trap_i, output logic [3:0] copy__o);
  assign copy__o = trap_i;
  always @(posedge ap_rst_n) $display("reset ends");
  always @(posedge ap_clk) if (trap_i == 5) $fatal(1, "trapped with %0d", trap_i);
endmodule
"""
# FINN's FIFO as its template chooses it.
BUFFER = """
module buffer (
  input  ap_clk, ap_rst_n,
  input  [7:0] in0_V_TDATA, input in0_V_TVALID, output in0_V_TREADY,
  output [7:0] out0_V_TDATA, output out0_V_TVALID, input out0_V_TREADY
);
`ifdef FINN_SIMULATION
  fifo_gauge #(.WIDTH(8)) buffer (
`else
  fifo #(.DEPTH(8), .DATA_WIDTH(8)) buffer (
`endif
    .clk(ap_clk), .rst(!ap_rst_n), .count(), .maxcount(),
    .idat(in0_V_TDATA), .ivld(in0_V_TVALID), .irdy(in0_V_TREADY),
    .odat(out0_V_TDATA), .ovld(out0_V_TVALID), .ordy(out0_V_TREADY)
  );
endmodule
"""

Load = Callable[..., Any]


@pytest.fixture
def load(tmp_path: Path, build_dir: Path) -> Load:
    """Compile the module of a text and load it; further arguments as of the two functions."""

    def load(text: str, *more: Path, tracefile: str | None = None, **compiling: bool) -> Any:  # noqa: ANN401
        name = re.findall(r"^module (\w+)", text, re.MULTILINE)[0]
        (tmp_path / f"{name}.v").write_text(text)
        sources = [str(tmp_path / f"{name}.v"), *map(str, more)]
        where = compile_sim_obj(name, sources, tmp_path, build_dir=build_dir, **compiling)
        return load_sim_obj(*where, tracefile)

    return load


def test_beats_of_several_wide_streams(load: Load) -> None:
    sim = load(PAIR)
    rng = np.random.default_rng(0)
    a, b = ([int.from_bytes(rng.bytes(9), "little") for _ in range(50)] for _ in range(2))
    io: dict[str, Any] = {"inputs": {"in0": a, "in1": b}, "outputs": {"out0": [], "out1": []}}
    load_adapter().reset_rtlsim(sim)
    cycles = rtlsim_multi_io(sim, io, {"out0": 50, "out1": 50}, sname="_V")
    load_adapter().close_rtlsim(sim)
    assert io["outputs"]["out0"] == [(x + y) % 2**72 for x, y in zip(a, b, strict=True)]
    assert io["outputs"]["out1"] == [(x - y) % 2**72 for x, y in zip(a, b, strict=True)]
    assert 50 < cycles < 60


def test_a_stall_names_the_streams_that_wait(load: Load) -> None:
    sim = load(PAIR)
    io: dict[str, Any] = {
        "inputs": {"in0": [1, 2], "in1": [3]},
        "outputs": {"out0": [], "out1": []},
    }
    load_adapter().reset_rtlsim(sim)
    message = (
        r"timed out after 50 cycles \(derived estimate: 20\).*Stalled at cycle \d+; "
        r"valid without ready: in0_V; ready without valid: out0_V, out1_V\.$"
    )
    with pytest.raises(FINNUserError, match=message):
        rtlsim_multi_io(sim, io, {"out0": 2, "out1": 2}, "_V", 50, 20)


def test_unknown_stream_is_refused_with_the_ports(load: Load) -> None:
    sim = load(PAIR)
    io: dict[str, Any] = {"inputs": {"in2": [1]}, "outputs": {"out0": []}}
    message = r"port in2_V_TVALID: pair has no such port; it has .*in0_V_TVALID"
    with pytest.raises(HardwareError, match=message):
        rtlsim_multi_io(sim, io, 1, sname="_V")


def test_models_are_independent_instances(load: Load) -> None:
    models = [load(TRAP).top for _ in range(2)]
    for value, model in enumerate(models, start=1):
        model.getPort("trap_i").set(value).write_back()
        model.run(1)
    assert [model.getPort("copy__o").read().as_unsigned() for model in models] == [1, 2]


def test_what_the_rtl_prints_goes_to_the_log(load: Load, tmp_path: Path) -> None:
    sim = load(TRAP)
    load_adapter().reset_rtlsim(sim)
    sim.close()
    assert (tmp_path / "finnxsi_rtlsim.log").read_text() == "reset ends\n"


def test_fatal_in_the_rtl_stops_with_its_message(load: Load) -> None:
    sim = load(TRAP)
    trap = sim.top.getPort("trap_i")
    trap.set(5).write_back()
    with pytest.raises(HardwareError, match=r"simulation of trap: stopped: .*trapped with 5$"):
        sim.cycle({})
    trap.set(0).write_back()
    with pytest.raises(
        HardwareError, match=r"simulation of trap: stopped: the model failed before"
    ):
        sim.top.run(1)


def test_ports_say_what_they_are(load: Load) -> None:
    top = load(TRAP).top
    trap, copy = top.getPort("trap_i"), top.getPort("copy__o")
    assert top.num_ports() == 4
    assert (trap.isInput(), trap.isOutput(), trap.dir(), trap.width()) == (True, False, 1, 4)
    assert (copy.isInput(), copy.isOutput(), copy.dir(), copy.isInout()) == (False, True, 2, False)
    assert (trap.set_binstr("10110").as_binstr(), trap.as_hexstr()) == ("0110", "6")
    assert (trap.isZero(), trap.clear().isZero(), trap.hasUnknown()) == (False, True, False)


def test_values_that_cannot_be_simulated_are_refused(load: Load) -> None:
    top = load(TRAP).top
    with pytest.raises(HardwareError, match=r"port trap_i: 'X' is no number of base 16; unknown"):
        top.getPort("trap_i").set_hexstr("X")
    with pytest.raises(HardwareError, match=r"port copy__o: is an output and can't be driven"):
        top.getPort("copy__o").set(1).write_back()


def test_closed_models_are_refused(load: Load) -> None:
    sim = load(TRAP)
    trap = sim.top.getPort("trap_i")
    sim.close()
    sim.close()
    assert not sim.is_open()
    closed = r"port trap_i: its simulation is closed; load the model again"
    with pytest.raises(HardwareError, match=closed):
        trap.read()
    with pytest.raises(HardwareError, match=closed):
        trap.set(1).write_back()
    with pytest.raises(HardwareError, match=r"simulation of trap: is closed"):
        sim.top.run(1)


def test_waveforms_of_a_traced_model(load: Load, tmp_path: Path) -> None:
    sim = load(TRAP, tracefile="waves.wdb", debug=True)
    load_adapter().reset_rtlsim(sim)
    sim.close()
    text = (tmp_path / "waves.wdb").read_text()
    assert "$var wire 4" in text
    assert "trap_i" in text
    assert "\n#10001\n" in text  # the second rising edge, in picoseconds


def test_waveforms_of_a_model_without_are_refused(load: Load) -> None:
    with pytest.raises(HardwareError, match=r"waves.wdb: no trace, the model was compiled without"):
        load(TRAP, tracefile="waves.wdb")


@pytest.mark.parametrize(("behavioural", "taken"), [(False, 8), (True, 30)])
def test_only_behavioural_fifos_have_no_limit(load: Load, behavioural: bool, taken: int) -> None:
    sim = load(BUFFER, FIFO / "fifo.sv", FIFO / "fifo_gauge.sv", behav=behavioural)
    load_adapter().reset_rtlsim(sim)
    beats = iter([f"{value:x}" for value in range(30)])
    sim.stream_input("in0_V", beats)  # nothing is taken out
    sim.run(100)
    assert 30 - len(list(beats)) in (taken, taken + 1)  # one may wait at the input


def test_a_module_is_compiled_once(build_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "trap.sv").write_text(TRAP)
    models = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        folder, model = compile_sim_obj(
            "trap", [str(tmp_path / "trap.sv")], tmp_path / name, build_dir=build_dir
        )
        models.append((folder / model).resolve())
    assert models[0] == models[1]


def test_large_models_are_compiled_in_parts(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_build, "_CHUNK_BYTES", 100)
    sim = load(TRAP.replace("trap (", "parts ("))
    sim.top.getPort("trap_i").set(3).write_back()
    sim.top.run(1)
    assert sim.top.getPort("copy__o").read().as_unsigned() == 3


def test_sources_that_cannot_be_read_are_refused(tmp_path: Path, build_dir: Path) -> None:
    (tmp_path / "a.vhd").touch()
    with pytest.raises(HardwareError, match=r"module a: /.*a\.vhd is neither Verilog nor System"):
        compile_sim_obj("a", [str(tmp_path / "a.vhd")], tmp_path, build_dir=build_dir)
    with pytest.raises(HardwareError, match=r"module a: source /.*a\.v does not exist; generate"):
        compile_sim_obj("a", [str(tmp_path / "a.v")], tmp_path, build_dir=build_dir)


def test_rtl_with_an_error_is_quoted(load: Load) -> None:
    with pytest.raises(HardwareError, match=r"verilator_bin: exit status 1: %Error.*; see .*log$"):
        load("module wrong (input a); assign b ==; endmodule")


@pytest.mark.parametrize("port", ["inout wire [3:0] both", "input logic [3:0] many[2]"])
def test_ports_that_are_no_vectors_are_refused(load: Load, port: str) -> None:
    with pytest.raises(HardwareError, match=r"port V.*(many|both).*: neither an input nor an"):
        load(f"module odd ( {port} ); endmodule")


def test_a_missing_compiler_is_named(
    tmp_path: Path, build_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trap.v").write_text(TRAP)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(HardwareError, match=r"g\+\+: not found; install it with: apt-get"):
        compile_sim_obj("trap", [str(tmp_path / "trap.v")], tmp_path, build_dir=build_dir)


def test_files_that_are_no_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match=r"nothing\.so: no compiled model .*; compile it again"):
        load_sim_obj(tmp_path, "nothing.so")


def test_a_log_that_cannot_be_written_is_named(load: Load, tmp_path: Path) -> None:
    load(TRAP)
    model = tmp_path / "xsim.dir" / "trap" / "xsimk.so"
    with pytest.raises(HardwareError, match=r"cannot be opened: /no/where: cannot be written"):
        Design(Kernel(), str(model), "/no/where")


def test_the_simulator_kernel_is_refused() -> None:
    with pytest.raises(HardwareError, match=r"C\+\+ simulation of connected layers .* Vivado's"):
        get_simkernel_so()


def test_binding_can_be_repeated_and_undone() -> None:
    before = dict(vars(finn.xsi))
    binding.install()
    binding.install(build_dir=Path("elsewhere"))
    assert finn.xsi.ensure_available()
    assert finn.xsi.SimEngine is load_adapter().SimEngine
    assert finn.xsi.compile_sim_obj.keywords == {"build_dir": Path("elsewhere")}
    binding.uninstall()
    binding.uninstall()
    assert dict(vars(finn.xsi)) == before
