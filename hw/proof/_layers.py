# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the RTL of each kind of layer makes of its memories, from the parameters that it has."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from hw.errors import HardwareError
from hw.proof._elaboration import Parameters
from hw.proof._words import Bits, integers, read_words
from hw.proof.memories import Additions, Factors, Integers, Memory, Thresholds, Weights

__all__ = ["Reader", "compare"]


@dataclass
class Reader:
    """A layer in its accelerator: its parameters by module, its files, and which were read.

    Attributes:
        name: of the layer.
        module: that holds its unit, beside the memory or with it inside.
        parameters: of a module below the layer, by the chain of modules that leads to it; None
            where the layer has no such module.
        content: of a file of the accelerator.
        read: files that the RTL reads, with their words.
    """

    name: str
    module: str
    parameters: Callable[..., Parameters | None]
    content: Callable[[str], bytes]
    read: dict[str, int] = field(default_factory=dict)

    def words(self, file: str, words: int, width: int) -> Bits:
        """Return uint8[words, width] of a file; see read_words."""
        self.read[file] = words
        return read_words(f"{self.name}: {file}", self.content(file), words, width)

    def constant(self, *chain: str) -> Bits:
        """Return the words uint8[Depth, Width] of the streamed memory below a chain of modules."""
        ours, finns = (
            self.parameters(*chain, module) for module in ("stream_constant", "memstream_axi")
        )
        if ours is not None:
            return self.words(str(ours["InitFile"]), int(ours["Depth"]), int(ours["Width"]))
        if finns is None or finns["SETS"] != 1 or finns["PUMPED_MEMORY"]:
            raise self.error("its memory is none of the known streamers")
        return self.words(str(finns["INIT_FILE"]), int(finns["DEPTH"]), int(finns["WIDTH"]))

    def beats(self, bits: Bits, width: int, cycle: int) -> Bits:
        """Return words that a unit takes as they are, whole cycles of them; refuse others."""
        if bits.shape[1] != width or len(bits) % cycle:
            raise self.error(
                f"{len(bits)} words of {bits.shape[1]} bits, of which the unit takes {width} bits "
                f"and {cycle} words a turn"
            )
        return bits

    def error(self, problem: str) -> HardwareError:
        """Return the error that stops the build."""
        return HardwareError(
            f"{self.name}: memory and network differ: {problem}; the accelerator would compute "
            "something else: report this network"
        )


def compare(layer: Reader, expected: Memory) -> None:
    """Raise HardwareError, naming layer, place and both values, unless all are equal."""
    match expected:
        case Weights():
            _compare_weights(layer, expected)
        case Thresholds():
            _compare_thresholds(layer, expected)
        case Additions():
            _compare_additions(layer, expected)
        case Factors():
            _compare_factors(layer, expected)


def _refuse_first(layer: Reader, found: Integers, expected: Integers, places: str) -> None:
    if found.shape != expected.shape:
        raise layer.error(f"{places}: {list(found.shape)} instead of {list(expected.shape)}")
    wrong = np.argwhere(found != expected)
    if len(wrong):
        place = tuple(int(i) for i in wrong[0])
        raise layer.error(
            f"{places} {list(place)} is {found[place]} instead of {expected[place]} "
            f"({len(wrong)} of {found.size} wrong)"
        )


def _compare_weights(layer: Reader, expected: Weights) -> None:
    found = _weights(layer)
    _refuse_first(layer, found, expected.matrix, "weight [input, output]")


def _weights(layer: Reader) -> Integers:
    """Return int64[inputs, outputs] as the unit takes them from its stream of words."""
    bits = layer.constant(f"{layer.module}_memstream_wrapper")
    if finns := layer.parameters(layer.module, "mvu_vvu_axi"):
        return _finns_weights(layer, bits, finns)
    dense, channelwise = (layer.parameters(layer.module, core) for core in ("mvu_lut", "vvu_lut"))
    core = dense or channelwise
    if core is None or core["Popcount"]:
        raise layer.error("its unit is none of the known ones")
    pe, simd, width = (int(core[name]) for name in ("Pe", "Simd", "WeightBits"))
    turn = int(core["MatrixWidth"] if dense else core["Window"]) // simd
    planes = layer.beats(bits, pe * simd * width, turn).reshape(-1, pe, width, simd)
    codes = integers(planes.swapaxes(-1, -2), signed=bool(core["WeightSigned"]))
    return _unfolded(2 * codes - 1 if core["WeightBipolar"] else codes, turn)


def _finns_weights(layer: Reader, bits: Bits, unit: Parameters) -> Integers:
    pe, simd, width = (int(unit[name]) for name in ("PE", "SIMD", "WEIGHT_WIDTH"))
    turn = int(unit["MW"]) // simd
    elements = layer.beats(bits, pe * simd * width, turn).reshape(-1, pe, simd, width)
    values = integers(elements, signed=True)
    if unit["NARROW_WEIGHTS"] and values.min() == -(1 << (width - 1)):
        raise layer.error(f"a weight is {values.min()}, which NARROW_WEIGHTS=1 rules out")
    return _unfolded(values, turn)


def _unfolded(values: Integers, input_folds: int) -> Integers:
    """Return int64[inputs, outputs] of words int64[output folds * input folds, PE, SIMD]."""
    words, pe, simd = values.shape
    folds = values.reshape(words // input_folds, input_folds, pe, simd)
    return folds.transpose(1, 3, 0, 2).reshape(input_folds * simd, -1)


def _compare_additions(layer: Reader, expected: Additions) -> None:
    adder = layer.parameters(layer.module, "stream_add")
    if adder is None:
        raise layer.error("it has no adder")
    pe, width = int(adder["Pe"]), int(adder["BBits"])
    lanes = layer.beats(layer.constant(layer.module), pe * width, 1).reshape(-1, width)
    found = integers(lanes, signed=bool(adder["BSigned"]))
    _refuse_first(layer, found, expected.values, "constant of channel")


def _compare_factors(layer: Reader, expected: Factors) -> None:
    multiplier = layer.parameters(layer.module, "stream_scale")
    if multiplier is None:
        raise layer.error("it has no multiplier")
    bits = layer.beats(layer.constant(layer.module), int(multiplier["FactorBits"]), 1)
    found = integers(bits, signed=False)
    _refuse_first(layer, found, expected.values.reshape(-1), "factor of pixel")


def _compare_thresholds(layer: Reader, expected: Thresholds) -> None:
    """Compare where thresholds split lowest .. highest; those beyond either end are one place."""
    unit = layer.parameters(layer.module, "thresholding_axi", "thresholding")
    cut = layer.parameters(layer.module, "thresholding_axi")
    if unit is None or cut is None or unit["USE_CONFIG"] or unit["FPARG"] or unit["SETS"] != 1:
        raise layer.error("it is none of the known thresholdings")
    reached = int(unit["BIAS"]) - (0 if expected.step == 2 else expected.offset)
    if reached < 0 or (expected.lowest < 0 and not unit["SIGNED"]):
        raise layer.error(f"BIAS {unit['BIAS']} and SIGNED {unit['SIGNED']} are too low")
    found, ends = _thresholds(layer, unit), (expected.lowest, expected.highest + 1)
    if unit["SIGNED"] and int(cut["WI"]) > int(
        unit["K"]
    ):  # what is lower has been cut to the lowest
        found[found == -(1 << (int(unit["K"]) - 1))] = expected.lowest
    found = np.pad(found.clip(*ends), ((0, 0), (reached, 0)), constant_values=ends[0])
    levels = max(found.shape[1], expected.rows.shape[1])
    found, wanted = (
        np.pad(rows, ((0, 0), (0, levels - rows.shape[1])), constant_values=ends[1])  # not reached
        for rows in (found, expected.rows.clip(*ends))
    )
    if len(wanted) == 1 or len(found) == 1:
        found, wanted = np.broadcast_arrays(found, wanted)
    _refuse_first(layer, found, wanted, "threshold [channel, level]")


def _thresholds(layer: Reader, unit: Parameters) -> Integers:
    """Return int64[C, N] as the search meets them: level i where it tells i from i + 1."""
    count, channels, pe, width = (int(unit[name]) for name in ("N", "C", "PE", "K"))
    folds, signed = channels // pe, bool(unit["SIGNED"])
    found = np.zeros((folds, pe, count), np.int64)
    for stage, levels in _search(count):
        for lane in range(pe):
            file = f"{unit['THRESHOLDS_PATH']}threshs_{lane}_{stage}.dat"
            bits = layer.words(file, folds << stage, width)
            words = integers(bits, signed=signed).reshape(folds, -1)
            found[:, lane, levels] = words[:, : len(levels)]
    return found.reshape(channels, count)


def _search(count: int) -> Iterator[tuple[int, Integers]]:
    """Yield each stage with the levels it compares with, by the decisions before it.

    Decisions whose level would be `count` or beyond are masked in the RTL, and left out.
    """
    stages = count.bit_length()
    for stage in range(stages):
        step = 1 << (stages - stage)
        yield stage, np.arange(step // 2 - 1, count, step)
