# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from zoo_networks import images

from brevitas_models import pretrained
from brevitas_models.architectures import architecture_names, build, layer_names
from brevitas_models.bits import BitTable, Precision
from brevitas_models.errors import ModelError
from brevitas_models.joins import Join
from brevitas_models.quantizers import Quantizers
from brevitas_models.settings import ArchitectureSettings

FOUR = BitTable.uniform(4, 4)
PLAIN = {"weight_bits": 4, "activation_bits": 4}
TINY = {"vgg_small": 0.03, "resnet18": 0.05, "lfc": 0.01, "mobilenet": 0.1, "cnv": 0.05}


def settings(architecture: str, bits: BitTable = FOUR, **others: object) -> ArchitectureSettings:
    if architecture == "convnet":
        others = {"convolutions": ((16, 1), (32, 2), (32, 2))} | others
    return ArchitectureSettings(architecture=architecture, bits=bits, **others)  # type: ignore[arg-type]


def tiny(architecture: str, **others: object) -> ArchitectureSettings:
    return settings(architecture, width=TINY.get(architecture, 0.5), **others)


@dataclass(frozen=True)
class Shape:
    """What is known of an architecture from its publication."""

    name: str
    weights: int
    layers: int
    input_shape: tuple[int, int, int]


SHAPES = [
    Shape("tfc", 784 * 64 + 2 * 64 * 64 + 640, 4, (28, 28, 1)),
    Shape("lfc", 784 * 1024 + 2 * 1024 * 1024 + 10240, 4, (28, 28, 1)),
    Shape("lenet5", 150 + 2400 + 400 * 120 + 120 * 84 + 840, 5, (28, 28, 1)),  # biases aside
    Shape("convnet", 144 + 4608 + 9216 + 32 * 49 * 10, 4, (28, 28, 1)),
    Shape("conv_small", 256 + 32 * 256 + 1568 * 100 + 1000, 4, (28, 28, 1)),
    Shape("cnv", 1_542_848, 9, (32, 32, 3)),  # BNN-PYNQ's CNV
    Shape("vgg_small", 4_656_512, 7, (32, 32, 3)),
    Shape("resnet8", 77_360, 10, (32, 32, 3)),  # MLPerf Tiny's, without biases
    Shape("resnet18", 11_164_352, 21, (32, 32, 3)),  # 11,173,962 with BatchNorms and bias
    Shape("resnet20", 270_896, 22, (32, 32, 3)),  # 0.27 M in the paper, which has no projections
    Shape("mobilenet", 133_824, 12, (32, 32, 3)),
]


@pytest.mark.parametrize("case", SHAPES, ids=lambda case: case.name)
def test_shapes_and_sizes(case: Shape) -> None:
    network = build(settings(case.name)).eval()
    layers = network.layers()
    assert network.input_shape == case.input_shape
    assert sum(layer.weight.numel() for layer in layers.values()) == case.weights
    assert tuple(layers) == layer_names(settings(case.name))
    assert len(layers) == case.layers


def test_every_architecture_is_listed() -> None:
    assert architecture_names() == tuple(case.name for case in SHAPES)


@pytest.mark.parametrize("name", architecture_names())
def test_logits_are_multiples_of_their_scale(name: str) -> None:
    network = build(tiny(name, classes=7)).eval()
    with torch.no_grad():
        steps = network(images(network, 8)) / network.logit_scale
    assert steps.shape == (8, 7)
    assert torch.equal(steps, steps.round())
    assert len(steps.unique()) > 7


@pytest.mark.parametrize("name", ["lenet5", "cnv", "vgg_small", "resnet18", "mobilenet"])
def test_images_of_another_size(name: str) -> None:
    shape = (40, 36, 1 if name == "lenet5" else 4)
    network = build(tiny(name, input_shape=shape)).eval()
    assert network(images(network, 2)).shape == (2, 10)


def test_a_layer_has_the_bits_of_the_table() -> None:
    eight = Precision(weight_bits=8, activation_bits=6)
    table = BitTable(
        default=Precision(weight_bits=2, activation_bits=3),
        layers={"conv1": eight, "fc2": Precision(weight_bits=1, activation_bits=1)},
    )
    network = build(settings("lenet5", table))
    weights = {
        name: int(layer.weight_quant.bit_width()) for name, layer in network.layers().items()
    }
    assert weights == {"conv1": 8, "conv2": 2, "fc1": 2, "fc2": 1, "classifier": 2}
    found = [int(block.activation.act_quant.bit_width()) for block in network.blocks()]
    assert found == [6, 3, 3, 1]
    with torch.no_grad():
        steps = network.eval()(images(network, 4)) / network.logit_scale
    assert torch.equal(steps, steps.round())


def test_a_table_for_another_layer_lists_the_nearest() -> None:
    table = BitTable(default=FOUR.default, layers={"conv9": FOUR.default})
    with pytest.raises(
        ModelError, match=r"lenet5: there is no layer 'conv9' to give bits; did you mean"
    ):
        build(settings("lenet5", table))


@pytest.mark.parametrize("use", [layer_names, build])
def test_an_unknown_architecture_lists_the_nearest(
    use: Callable[[ArchitectureSettings], object],
) -> None:
    with pytest.raises(ModelError, match=r"there is no 'resnet9'; did you mean 'resnet8'"):
        use(settings("resnet9"))


@pytest.mark.parametrize("join", list(Join))
def test_the_operands_of_a_residual_add_share_one_quantizer(join: Join) -> None:
    network = build(settings("resnet8", join=join))
    joins = [module for name, module in network.named_modules() if name.endswith(".join")]
    assert len(joins) == 3
    users = [block for block in network.blocks() if block.activation in joins]
    assert len(users) == 5  # the last convolution of each branch, two shortcuts


def test_the_operands_of_a_residual_add_have_the_same_bits() -> None:
    odd = Precision(weight_bits=4, activation_bits=3)
    table = BitTable(default=FOUR.default, layers={"block2.second": odd})
    with pytest.raises(
        ModelError, match=r"block2.second has activation_bits 3 and block2.shortcut "
    ):
        build(settings("resnet8", table))


def test_the_seed_decides_the_weights_and_leaves_torch_alone() -> None:
    before = torch.random.get_rng_state()
    first, again, other = (build(settings("tfc"), seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.classifier.weight, again.classifier.weight)
    assert not torch.equal(first.classifier.weight, other.classifier.weight)


def test_a_pretrained_name_is_an_architecture_with_bits() -> None:
    network, again = (
        pretrained.build("mnist-tfc-w1a2", 3),
        build(settings("tfc", BitTable.uniform(1, 2)), 3),
    )
    assert network.settings == again.settings
    assert torch.equal(network.classifier.weight, again.classifier.weight)


@pytest.mark.parametrize("name", ["vgg_small", "mobilenet"])
def test_padding_needs_a_zero(name: str) -> None:
    with pytest.raises(
        ModelError, match=rf"{name}: activation_bits 1 has no zero for padding; use"
    ):
        build(tiny(name, bits=BitTable.uniform(1, 1)))


def test_a_residual_add_needs_two_bits() -> None:
    with pytest.raises(
        ModelError, match=r"activation_bits 1 has no levels for a residual add; use"
    ):
        build(settings("resnet8", BitTable.uniform(1, 1)))


@pytest.mark.parametrize("shape", [(20, 32, 3), (8, 8, 3)])
def test_images_that_are_too_small(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ModelError, match=r"\w+ of \d x \d does not fit what it reads, \d+ x \d+"):
        build(settings("cnv", input_shape=shape))


def test_a_squeezed_image_has_no_other_levels() -> None:
    network = build(settings("lenet5", input_bits=2)).eval()
    shown = images(network, 4)
    coarse = (shown * 3).round() / 3
    assert not torch.equal(coarse, shown)
    assert torch.equal(network(shown), network(coarse))


TRAINED = [
    ("fixed", "dqa_learned"),
    ("learned_channel", "fixed"),
    ("power_of_two", "power_of_two"),
    ("learned", "dqa_fixed"),
]


@pytest.mark.parametrize(("weights", "activations"), TRAINED)
def test_every_parameter_is_trained(weights: str, activations: str) -> None:
    quantizers = Quantizers(weights=weights, activations=activations)  # type: ignore[arg-type]
    chosen = settings("resnet8", width=0.5, join=Join.CONVEX, quantizers=quantizers)
    network = build(replace(chosen, input_shape=(8, 8, 3)), seed=1)
    logits = network(images(network, 32))
    torch.nn.functional.cross_entropy(logits, torch.arange(32) % 10).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_a_copy_reads_its_own_quantizers() -> None:
    quantizers = Quantizers(activations="learned")  # type: ignore[arg-type]
    network = build(settings("lenet5", quantizers=quantizers))
    again = copy.deepcopy(network)
    with torch.no_grad():
        for parameter in again.features.conv1.activation.parameters():
            parameter.mul_(2)
    steps = [one.features.conv2.source.step for one in (network, again)]
    assert steps[1] == pytest.approx(2 * steps[0])


INVALID = [
    ({"classes": 1}, r"lenet5: 1 classes; give at least 2"),
    ({"width": 0.0}, r"lenet5: width 0.0 is not above 0; change it"),
    ({"input_shape": (28, 28)}, r"input_shape \(28, 28\) is not the height, width and channels"),
    ({"input_bits": 9}, r"network: input_bits 9 is not in 1\.\.8; change it"),
]


@pytest.mark.parametrize(("others", "message"), INVALID)
def test_settings_are_checked(others: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build(settings("lenet5", **others))


@pytest.mark.parametrize(
    ("name", "key", "value", "what"),
    [
        ("lenet5", "join", "convex", "residual join"),
        ("resnet8", "pool", "average", "2x2 pool"),
        ("tfc", "pool", "average", "2x2 pool"),
    ],
)
def test_a_setting_that_nothing_follows_is_refused(
    name: str, key: str, value: str, what: str
) -> None:
    chosen = tiny(name, **{key: value})
    with pytest.raises(ModelError, match=f"{name}: has no {what}, so that {key}: {value} changes"):
        build(chosen)


def test_settings_survive_plain_values() -> None:
    table = BitTable(
        default=FOUR.default, layers={"fc1": Precision(weight_bits=2, activation_bits=3)}
    )
    chosen = settings("lenet5", table, join=Join.CONVEX, input_bits=3, input_shape=(28, 28, 1))
    plain = chosen.to_mapping()
    assert ArchitectureSettings.from_mapping(plain) == chosen
    assert plain["bits"]["layers"]["fc1"] == {"weight_bits": 2, "activation_bits": 3}
    assert type(plain["join"]) is str


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"depth": 3}, "depth: Unexpected"),
        ({"join": "product"}, "join: Input should be 'sum'"),
        ({"bits": {}}, "bits.default: Field required"),
        ({"bits": {"default": 4}}, "bits.default: Input should be"),
        ({"bits": {"default": {"bits": 3}}}, "bits.default.weight_bits: Field required"),
        ({"bits": {"default": PLAIN | {"weight_bits": 9}}}, "bits.default: network: weight_bits 9"),
        ({"bits": {"default": PLAIN, "x": 1}}, "bits.x: Unexpected"),
    ],
)
def test_settings_of_another_kind_are_refused(change: dict[str, object], where: str) -> None:
    plain = settings("lenet5").to_mapping() | change
    with pytest.raises(ModelError, match=rf"^network settings: cannot be used \({where}"):
        ArchitectureSettings.from_mapping(plain)


def test_widths_scale_every_hidden_layer() -> None:
    network = build(replace(settings("lenet5"), width=2.0))
    assert network.layers()["conv1"].weight.shape == (12, 1, 5, 5)
    assert network.layers()["fc2"].weight.shape == (168, 240)
    assert network.layers()["classifier"].weight.shape == (10, 168)


@pytest.mark.parametrize("name", ["weight_bits", "activation_bits"])
@pytest.mark.parametrize("bits", [0, 9])
def test_bit_widths_are_checked(name: str, bits: int) -> None:
    with pytest.raises(ModelError, match=rf"network: {name} {bits} is not in 1\.\.8; change it"):
        Precision(**({"weight_bits": 4, "activation_bits": 4} | {name: bits}))


_CELLS = ("conv", "residual", "separable", "residual")


def test_cells_stand_in_the_places_of_convolutions() -> None:
    shape = {"convolutions": ((8, 1), (8, 1), (16, 2), (12, 1)), "cells": _CELLS}
    chosen = settings("convnet", **shape)
    network = build(chosen)
    counts = {name: layer.weight.numel() for name, layer in network.layers().items()}
    assert tuple(counts) == layer_names(chosen)
    assert counts == {
        "conv0": 8 * 9,
        "conv1.first": 8 * 8 * 9,  # same channels, same size: no projection
        "conv1.second": 8 * 8 * 9,
        "conv2_depthwise": 8 * 9,
        "conv2_pointwise": 8 * 16,
        "conv3.first": 16 * 12 * 9,
        "conv3.second": 12 * 12 * 9,
        "conv3.shortcut": 16 * 12,
        "classifier": 12 * 14 * 14 * 10,
    }
    assert network.eval()(torch.zeros(1, 1, 28, 28)).shape == (1, 10)
    again = ArchitectureSettings.from_mapping(chosen.to_mapping())
    assert (again, again.cells) == (chosen, _CELLS)
    assert "cells" not in settings("convnet").to_mapping()  # as files from before say


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (_CELLS[:2], "2 cells for 3 convolutions; give one for each"),
        (("residual", "conv", "conv"), "the first cell, residual, would read the image"),
        (("separable", "conv", "conv"), "begin with conv"),
    ],
)
def test_cells_that_do_not_fit_are_refused(cells: tuple[str, ...], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build(settings("convnet", cells=cells))


def test_cells_of_another_architecture_are_refused() -> None:
    with pytest.raises(ModelError, match="lenet5: cells are for convnet; leave them out"):
        build(settings("lenet5", cells=("conv",)))


def test_a_shortcut_needs_weights_where_scaled_channels_differ() -> None:
    shape = {"convolutions": ((8, 1), (9, 1)), "cells": ("conv", "residual")}
    for width, needed in ((1.0, True), (0.1, False)):  # 1 channel each
        chosen = settings("convnet", width=width, **shape)
        assert tuple(build(chosen).layers()) == layer_names(chosen)
        assert ("conv1.shortcut" in layer_names(chosen)) == needed
