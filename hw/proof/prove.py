# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A structural proof: no image is needed to know that memories hold what the network says."""

from collections.abc import Mapping
from dataclasses import dataclass

from hw.accelerator import Accelerator, Layer
from hw.errors import HardwareError
from hw.proof._elaboration import Design, Parameters
from hw.proof._layers import Reader, compare
from hw.proof.memories import Memory

__all__ = ["Proof", "prove_memories"]

_WEIGHTED = "_with_weights"


@dataclass(frozen=True)
class Proof:
    """How much was read back and found equal: layers with memories, and their words."""

    layers: int
    words: int


def prove_memories(accelerator: Accelerator, expected: Mapping[str, Memory]) -> Proof:
    """Read every memory of an accelerator as its RTL addresses it; compare all of it.

    Files, sizes, folding and number formats are taken from the RTL's own parameters, and not from
    what wrote them.

    Args:
        accelerator: a stitched folder.
        expected: by the layer's name, from the network.

    Raises:
        HardwareError: the layer, and the first place where memory and network differ; a memory
            without a layer in `expected`, a layer without memory, or a file that no RTL reads.
    """
    held = {layer.name: layer for layer in accelerator.manifest.layers if layer.memory}
    for name in sorted(held.keys() ^ expected.keys()):
        missing = "the network has no values for it" if name in held else "it has no memory"
        raise HardwareError(f"{name}: memory and network differ: {missing}; report this network")
    sources = accelerator.paths(accelerator.manifest.sources)
    design = Design(path.read_text() for path in sources)
    words = [_prove(accelerator, design, layer, expected[name]) for name, layer in held.items()]
    return Proof(layers=len(words), words=sum(words))


def _prove(accelerator: Accelerator, design: Design, layer: Layer, expected: Memory) -> int:
    top, module = accelerator.manifest.top, layer.module.removesuffix(_WEIGHTED)
    above = (top,) if module == layer.module else (top, layer.module)

    def parameters(*chain: str) -> Parameters | None:
        return design.parameters(*above, *chain)

    def content(file: str) -> bytes:
        try:
            return (accelerator.folder / file).read_bytes()
        except OSError as error:
            raise HardwareError(
                f"{layer.name}: {file}: the RTL reads it and it cannot be read ({error.strerror}); "
                "compile the network again"
            ) from error

    reader = Reader(layer.name, module, parameters, content)
    compare(reader, expected)
    unread = sorted(set(layer.memory) - reader.read.keys())
    if unread:
        raise reader.error(f"{unread[0]} is read by no module")
    return sum(reader.read.values())
