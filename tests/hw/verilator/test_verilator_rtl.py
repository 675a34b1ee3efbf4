# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The modules that stand in for FINN's in simulation."""

import re
from pathlib import Path

import finn
import pytest
from testbench import compile_runtime, run_verilator, simulate

_OURS = Path(__file__).parents[3] / "hw" / "rtl" / "sim"
_TESTBENCHES = Path(__file__).parents[1] / "rtl"
_FAST = _OURS / "fast"
_FINN = Path(finn.__file__).parent / "finn-rtllib"
_PACKAGE = _FINN / "mvu/mvu_pkg.sv"


@pytest.mark.parametrize(
    "module",
    [
        ("fifo.sv", "-GDEPTH=2", "-GDATA_WIDTH=1"),
        ("fifo.sv", "-GDEPTH=300", "-GDATA_WIDTH=72"),
        ("add_multi.sv", "-GN=9", "-GDEPTH=4", "-GARG_WIDTH=5"),
        ("add_multi.sv", "-GN=5", "-GDEPTH=4", "-GARG_WIDTH=2", "-GARG_LO=-1", "-GARG_HI=1"),
        ("add_multi.sv", "-GN=1", "-GDEPTH=0", "-GARG_WIDTH=8"),
        ("fast/mvu.sv", "-GPE=3", "-GSIMD=5", "-GSIGNED_ACTIVATIONS=1"),
        ("fast/memstream_axi.sv", "-GDEPTH=5", "-GWIDTH=11"),
        ("fast/dwc_axi.sv", "-GIBITS=12", "-GOBITS=8"),
        ("fast/dwc_axi.sv", "-GIBITS=8", "-GOBITS=8"),
    ],
    ids=" ".join,
)
def test_lint_is_clean(module: tuple[str, ...], tmp_path: Path) -> None:
    name, *parameters = module
    package = name == "add_multi.sv"
    sources = [*([tmp_path / "waiver.vlt", _PACKAGE] if package else []), _OURS / name]
    (tmp_path / "waiver.vlt").write_text(f'`verilator_config\nlint_off -file "{_PACKAGE}"\n')
    top = ("--top", Path(name).stem)
    assert run_verilator("--lint-only", "-Wall", *top, *parameters, *sources, cwd=tmp_path) == ""


def test_fifo_of_one_beat_is_refused(tmp_path: Path) -> None:
    arguments = ("--lint-only", "-GDEPTH=1", "-GDATA_WIDTH=8", _OURS / "fifo.sv")
    with pytest.raises(AssertionError, match="DEPTH must be at least 2"):
        run_verilator(*arguments, cwd=tmp_path)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Verilator's runtime library."""
    return compile_runtime(tmp_path_factory.mktemp("runtime"))


@pytest.mark.slow
@pytest.mark.parametrize("module", ["fifo", "add_multi"])
def test_module_passes_its_testbench(module: str, runtime: list[Path], tmp_path: Path) -> None:
    sources = [_PACKAGE, _OURS / f"{module}.sv", _TESTBENCHES / f"{module}_tb.sv"]
    assert "passed" in simulate(f"{module}_tb", sources, runtime, tmp_path)


@pytest.mark.slow
def test_fast_modules_equal_finns_in_every_cycle(runtime: list[Path], tmp_path: Path) -> None:
    names = ("mvu", "memstream_axi", "dwc_axi")
    for name in names:
        text = (_FAST / f"{name}.sv").read_text()
        (tmp_path / f"{name}_fast.sv").write_text(re.sub(rf"\b{name}\b", f"{name}_fast", text))
    for case, (depth, width) in enumerate(((1, 1), (2, 8), (3, 13), (7, 32), (8, 40), (20, 100))):
        words = [hash((case, i)) % 2**width for i in range(depth)]
        (tmp_path / f"words_{case}.hex").write_text("".join(f"{word:x}\n" for word in words))
    library = ("mvu/mvu.sv", "memstream/hdl/memstream.sv", "memstream/hdl/memstream_axi.sv",
               "axi/hdl/axilite.sv", "dwc/hdl/vpc.sv", "dwc/hdl/dwc_axi.sv")  # fmt: skip
    sources = [_PACKAGE, _OURS / "add_multi.sv", *(_FINN / name for name in library)]
    sources += [tmp_path / f"{name}_fast.sv" for name in names]
    assert "passed" in simulate(
        "fast_tb", [*sources, _TESTBENCHES / "fast_tb.sv"], runtime, tmp_path
    )
