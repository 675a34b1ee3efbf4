# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The RTL in Verilator against FINN's own execution of the same graph."""

import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from forked_network import Forked
from numpy.typing import NDArray

from hw.accelerator import Accelerator
from hw.errors import HardwareError
from hw.fifo_sizing.sizing import size_fifos
from hw.stitch.stitching import with_fifo_depths
from hw.verilator.simulation import Simulation, SimulationResult, Stall, Traffic, Waveforms

pytestmark = pytest.mark.slow


def test_logits_equal_finns(
    accelerator: Accelerator,
    images: NDArray[np.uint8],
    expected: NDArray[np.int32],
    build_dir: Path,
) -> None:
    result = Simulation(accelerator, build_dir=build_dir).run(images)
    assert len(np.unique(expected)) > 10, "the network must not be degenerate"
    assert result.logits.dtype == np.int32
    np.testing.assert_array_equal(result.logits, expected)


@pytest.mark.parametrize(
    "traffic",
    [
        Traffic(stall_output=0.6, seed=1),
        Traffic(stall_input=0.6, seed=2),
        Traffic(stall_input=0.3, stall_output=0.9, seed=3),
        Traffic(frame_cycles=700),
    ],
    ids=str,
)
def test_back_pressure_changes_no_logit(
    accelerator: Accelerator,
    images: NDArray[np.uint8],
    expected: NDArray[np.int32],
    build_dir: Path,
    traffic: Traffic,
) -> None:
    result = Simulation(accelerator, build_dir=build_dir).run(images, traffic=traffic)
    np.testing.assert_array_equal(result.logits, expected)


def test_sized_fifos_reach_the_predicted_interval(
    accelerator: Accelerator,
    images: NDArray[np.uint8],
    expected: NDArray[np.int32],
    build_dir: Path,
    tmp_path: Path,
) -> None:
    depths = size_fifos(accelerator, images, build_dir=build_dir).depths
    sized = with_fifo_depths(accelerator, depths, tmp_path / "sized")
    result = Simulation(sized, build_dir=build_dir).run(images)
    predicted = accelerator.manifest.cycles_per_frame_predicted
    assert result.initiation_interval_cycles == pytest.approx(predicted, rel=0.01)
    np.testing.assert_array_equal(result.logits, expected)
    assert all(mark <= max(5, depths[name]) for name, mark in result.fifo_high_water.items())


def test_sizing_counts_its_frames(
    accelerators: dict[str, Accelerator], images: NDArray[np.uint8], build_dir: Path
) -> None:
    seen: list[tuple[int, int]] = []
    size_fifos(
        accelerators["parallel"],
        images[:2],
        build_dir=build_dir,
        progress=lambda done, total: seen.append((done, total)),
    )
    frames = [frames for frames, _ in seen]
    assert frames[0] == 2  # to see how many are under way at once
    assert frames == sorted(set(frames))
    assert {total for _, total in seen} == {0}


def test_program_serves_every_depth_and_is_built_once(
    accelerators: dict[str, Accelerator], build_dir: Path, tmp_path: Path
) -> None:
    accelerator = accelerators["parallel"]
    first = Simulation(accelerator, build_dir=build_dir).build()
    names = [fifo.name for fifo in accelerator.manifest.fifos]
    other = with_fifo_depths(accelerator, dict.fromkeys(names, 9), tmp_path / "other")
    before = first.stat().st_mtime_ns
    assert Simulation(other, build_dir=build_dir).build() == first
    assert first.stat().st_mtime_ns == before
    assert not list(build_dir.glob(".building.*"))


def test_moved_folder_simulates_alike(
    accelerators: dict[str, Accelerator],
    images: NDArray[np.uint8],
    expected: NDArray[np.int32],
    build_dir: Path,
    tmp_path: Path,
) -> None:
    shutil.copytree(accelerators["parallel"].folder, tmp_path / "elsewhere")
    moved = Accelerator.load(tmp_path / "elsewhere")
    result = Simulation(moved, build_dir=build_dir).run(images)
    np.testing.assert_array_equal(result.logits, expected)


def test_progress_ends_at_the_number_of_frames(
    accelerators: dict[str, Accelerator], images: NDArray[np.uint8], build_dir: Path
) -> None:
    seen: list[int] = []
    Simulation(accelerators["parallel"], build_dir=build_dir, progress=seen.append).run(images)
    assert seen == sorted(seen)
    assert seen[-1] == len(images)


def test_watchdog_names_the_streams_that_are_blocked(
    accelerators: dict[str, Accelerator], images: NDArray[np.uint8], build_dir: Path
) -> None:
    simulation = Simulation(accelerators["parallel"], build_dir=build_dir)
    with pytest.raises(
        HardwareError,
        match=r"stalled at cycle \d+ after 0 frames; the results are not taken; .*"
        r"valid without ready: .*MVAU_rtl_2 -> .*output",
    ):
        simulation.run(images, traffic=Traffic(stall_output=1.0))


def test_watchdog_names_the_streams_that_are_starved(
    accelerators: dict[str, Accelerator], images: NDArray[np.uint8], build_dir: Path
) -> None:
    simulation = Simulation(accelerators["parallel"], build_dir=build_dir)
    with pytest.raises(
        HardwareError,
        match=r"no image is offered; .*valid without ready: none; ready without valid: input -> ",
    ):
        simulation.run(images, traffic=Traffic(stall_input=1.0))


@pytest.mark.parametrize("content", ["no hex\n", None], ids=["damaged", "missing"])
def test_bad_weights_stop_the_simulation(
    accelerators: dict[str, Accelerator],
    images: NDArray[np.uint8],
    build_dir: Path,
    tmp_path: Path,
    content: str | None,
) -> None:
    shutil.copytree(accelerators["parallel"].folder, tmp_path / "damaged")
    accelerator = Accelerator.load(tmp_path / "damaged")
    weights = accelerator.folder / "memory/MVAU_rtl_0/memblock.dat"
    weights.unlink() if content is None else weights.write_text(content)
    with pytest.raises(HardwareError, match=r"simulation of rgb: exit status .*memblock"):
        Simulation(accelerator, build_dir=build_dir).run(images)


@pytest.mark.parametrize(
    ("depths", "problem"),
    [
        ({"StreamingFIFO_rtl_0": 1}, r"holds 2 to \d+ beats, not 1"),
        ({"StreamingFIFO_rtl_0": 10**6}, "beats, not 1000000"),
        ({"nothing": 4}, "holds no such FIFO, not 4"),
    ],
)
def test_impossible_fifo_depths_are_refused(
    accelerators: dict[str, Accelerator],
    images: NDArray[np.uint8],
    tmp_path: Path,
    depths: dict[str, int],
    problem: str,
) -> None:
    simulation = Simulation(accelerators["parallel"], build_dir=tmp_path)
    with pytest.raises(HardwareError, match=problem):
        simulation.run(images, fifo_depths=depths)


# Forks, joins and labels


def test_forks_and_joins_give_the_logits_of_the_integer_network(
    forked: Forked, build_dir: Path
) -> None:
    accelerator = forked.accelerators[0]
    sizing = size_fifos(accelerator, forked.images, build_dir=build_dir)
    assert sizing.interval_cycles == accelerator.manifest.cycles_per_frame_predicted
    assert sizing.default_interval_cycles is None, "FINN's default depths end in a deadlock here"
    result = Simulation(accelerator, build_dir=build_dir).run(
        forked.images, fifo_depths=sizing.depths, traffic=Traffic(stall_input=0.3, stall_output=0.5)
    )
    assert len(np.unique(forked.logits.argmax(axis=1))) > 1, "the network must not be degenerate"
    np.testing.assert_array_equal(result.logits, forked.logits)


def test_label_is_the_first_of_the_largest_logits(forked: Forked, build_dir: Path) -> None:
    simulation = Simulation(forked.accelerators[1], build_dir=build_dir)
    result = simulation.run(forked.images, fifo_depths=forked.deep)
    assert simulation.accelerator.manifest.output.kind == "label"
    np.testing.assert_array_equal(result.logits[:, 0], forked.logits.argmax(axis=1))


def test_deadlock_names_the_fifo_that_is_too_shallow(forked: Forked, build_dir: Path) -> None:
    simulation = Simulation(forked.accelerators[1], build_dir=build_dir)
    message = (
        r"stalled at cycle \d+ after 0 frames; (\w+) is full with 5 beats while "
        r"ElementwiseAdd_rtl_0 waits for \w+; give (\w+) more depth; valid without ready: "
    )
    with pytest.raises(Stall, match=message) as caught:
        simulation.run(forked.images)  # FINN's default depths
    found = re.search(message, str(caught.value))
    assert found
    assert found[1] == found[2] == caught.value.fifo
    result = simulation.run(forked.images, fifo_depths={caught.value.fifo: 64})
    np.testing.assert_array_equal(result.logits[:, 0], forked.logits.argmax(axis=1))


# Several processes, waveforms


def test_processes_give_the_same_logits_and_timing(forked: Forked, build_dir: Path) -> None:
    seen: list[int] = []
    accelerator, depths = forked.accelerators[1], forked.deep
    one = Simulation(accelerator, build_dir=build_dir).run(forked.images, fifo_depths=depths)
    several = Simulation(accelerator, build_dir=build_dir, progress=seen.append, processes=2)
    two = several.run(forked.images, fifo_depths=depths)
    np.testing.assert_array_equal(two.logits, one.logits)
    assert two.frame_cycles.tolist() == [*one.frame_cycles[:4], *one.frame_cycles[:3]]
    assert two.initiation_interval_cycles == one.initiation_interval_cycles
    assert two.cycles_total > one.cycles_total, "each process fills the pipeline"
    assert seen[-1] == len(forked.images)


def test_impatient_watchdog_ends_a_simulation_sooner(forked: Forked, build_dir: Path) -> None:
    with pytest.raises(Stall, match=r"stalled at cycle (\d{1,4}) after"):
        Simulation(forked.accelerators[1], build_dir=build_dir).run(
            forked.images, watchdog_cycles=2000
        )


def test_no_process_is_refused(forked: Forked, tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match="simulation: 0 processes; give at least 1"):
        Simulation(forked.accelerators[0], build_dir=tmp_path, processes=0)


def test_waveforms_show_the_cycles_that_were_asked_for(
    forked: Forked, build_dir: Path, tmp_path: Path
) -> None:
    waveforms = Waveforms(tmp_path / "waves.vcd", first=40, end=60)
    Simulation(forked.accelerators[1], build_dir=build_dir).run(
        forked.images[:1], fifo_depths=forked.deep, waveforms=waveforms
    )
    text = waveforms.path.read_text()
    times = [int(line[1:]) for line in text.splitlines() if line.startswith("#")]
    assert (min(times), max(times)) == (400, 595)
    assert "elementwiseadd_rtl_0_tvalid" in text


def test_other_waveform_files_are_refused(forked: Forked, build_dir: Path, tmp_path: Path) -> None:
    simulation = Simulation(forked.accelerators[1], build_dir=build_dir)
    with pytest.raises(HardwareError, match=r"waves\.wdb: no \.fst or \.vcd file; name it so"):
        simulation.run(forked.images, waveforms=Waveforms(tmp_path / "waves.wdb"))


def test_no_images_are_refused(
    accelerators: dict[str, Accelerator], images: NDArray[np.uint8], tmp_path: Path
) -> None:
    simulation = Simulation(accelerators["parallel"], build_dir=tmp_path)
    with pytest.raises(HardwareError, match="images: none to simulate"):
        simulation.run(images[:0])


@pytest.mark.parametrize("stall", [-0.1, 1.5])
def test_stall_is_a_probability(stall: float) -> None:
    with pytest.raises(HardwareError, match=f"probabilities {stall} and 0.0 are not between"):
        Traffic(stall_input=stall)


@pytest.mark.parametrize(
    ("cycles", "interval"),
    [([100, 160], 60.0), ([100, 140, 200], 60.0), ([0, 10, 20, 80, 140], 60.0)],
)
def test_interval_is_taken_over_the_second_half(cycles: list[int], interval: float) -> None:
    assert _result(cycles).initiation_interval_cycles == interval


def test_one_frame_has_no_interval() -> None:
    result = _result([170])
    assert math.isnan(result.initiation_interval_cycles)
    assert result.latency_cycles == 167
    assert result.cycles_per_second == 340.0


def _result(cycles: list[int]) -> SimulationResult:
    return SimulationResult(
        logits=np.zeros((len(cycles), 1), np.int32),
        frame_cycles=np.array(cycles),
        first_input_cycle=3,
        cycles_total=cycles[-1],
        wall_s=0.5,
    )
