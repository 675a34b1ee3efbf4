# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The report's document is strict, and its page stands alone and says what was measured."""

import base64
import io
import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jinja2 import UndefinedError
from matplotlib.image import imread
from quantized_digits import digits, digits_network
from sample_report import certified_row, examples, full_document, minimal_document

from flow.errors import FlowError
from flow.report import ReportInputs, parse_report, write_report
from flow.report.figures import difference_png, image_png
from flow.report.html import headline_row
from flow.report.rendering import render


def written(folder: Path, document: dict[str, Any], *, pictures: bool = True) -> str:
    inputs = ReportInputs(report=parse_report(document), examples=examples() if pictures else ())
    return write_report(folder, inputs).read_text(encoding="utf-8")


@pytest.mark.parametrize("document", [minimal_document(), full_document()])
def test_json_holds_what_was_given(tmp_path: Path, document: dict[str, Any]) -> None:
    written(tmp_path, document, pictures=False)
    found = json.loads((tmp_path / "report.json").read_text())
    assert {key: found[key] for key in document} == document


def set_at(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    *parents, last = path.split(".")
    place = document
    for key in parents:
        place = place[key]
    place[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("agreement.integer_vs_rtlsim.logits_differ", 0.0, "logits_differ: .*valid integer"),
        ("agreement.integer_vs_rtlsim.logits_differ", -1, "logits_differ: .*greater than"),
        ("accuracy.integer", 97.5, "accuracy.integer: .*less than or equal to 1"),
        ("accuracy.integer", "0.9", "accuracy.integer: .*valid number"),
        ("hardware.cycles_per_frame_predicted", True, "cycles_per_frame_predicted: .*integer"),
        ("hardware.frames_per_second", float("nan"), "frames_per_second"),
        ("robust_accuracy", [], "robust_accuracy: .*at least 1 item"),
        ("schema", 2, "schema: .*should be 1"),
        ("surprise", 1, "surprise: Extra inputs"),
        ("agreement.finn_vs_integer", {"images": 3}, "neither labels_differ nor logits_differ"),
    ],
)
def test_wrong_figure_is_refused(path: str, value: object, message: str) -> None:
    with pytest.raises(FlowError, match=f"report: .*{message}"):
        parse_report(set_at(minimal_document(), path, value))


def test_missing_field_is_named() -> None:
    document = minimal_document()
    del document["hardware"]["clock_mhz"]
    with pytest.raises(FlowError, match=r"report: hardware\.clock_mhz: Field required"):
        parse_report(document)


class _Page(HTMLParser):
    """Collects what a browser would load, what has a name, and what is balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.unnamed: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.loaded += [values[key] or "" for key in ("src", "href") if key in values]
        self.ids += [values["id"] or ""] if "id" in values else []
        if (tag == "img" and not values.get("alt")) or (
            tag == "svg" and "aria-label" not in values
        ):
            self.unnamed.append(tag)
        if tag not in {"meta", "link", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_loads_nothing_from_outside(tmp_path: Path) -> None:
    text = written(tmp_path, full_document())
    page = _Page(text)
    assert page.loaded
    assert all(source.startswith(("data:", "#")) for source in page.loaded)
    assert not re.search(r"https?://|file:|@import|url\((?!#)", text)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "report.json"]


def test_page_is_well_formed_and_every_picture_has_a_text(tmp_path: Path) -> None:
    page = _Page(written(tmp_path, full_document()))
    assert page.open == []
    assert page.unnamed == []
    assert len(page.ids) == len(set(page.ids))
    assert {s for s in page.loaded if s.startswith("#")} <= {f"#{name}" for name in page.ids}


def test_page_shows_the_headline_figures(tmp_path: Path) -> None:
    text = re.sub(r"<[^>]+>", " ", written(tmp_path, full_document()))
    text = re.sub(r"\s+", " ", text)
    assert "Clean accuracy 97.5% plain 97.0%" in text
    assert "PGD-40 at 32/255 75.0% plain 15.0%" in text
    assert "Logits that differ 0 RTL checked on 128 images" in text
    assert "Frames a second 10,851 9,216 cycles each" in text
    assert "LUT 300 1% of the part" in text
    assert "Certified at 32/255 60.0% at most 72.0%, of 200 test images" in text


def test_the_proofs_stand_beside_the_attacks(tmp_path: Path) -> None:
    text = re.sub(r"<[^>]+>", " ", written(tmp_path, full_document()))
    text = re.sub(r"\s+", " ", text)
    assert "16 200 85.0% 0 85.0% 90.0% of 360 32 200 60.0% 24 72.0% 75.0% of 360" in text


def test_an_attack_that_breaks_what_is_proven_is_refused() -> None:
    document = full_document()
    document["certified"] = [certified_row(32, 120, 24) | {"images": 360, "adversarial": 216}]
    document["robust_accuracy"][1]["accuracy"] = 119 / 360
    with pytest.raises(
        FlowError, match=r"leaves 33\.06% of 360 images, of which 120 are certified"
    ):
        parse_report(document)


def test_an_image_without_an_answer_is_missed() -> None:
    document = full_document()
    document["certified"] = [certified_row(32, 120, 24) | {"unknown": 23}]
    with pytest.raises(FlowError, match="robust, adversarial and unknown do not add up to images"):
        parse_report(document)


def test_the_headline_is_the_accuracy_on_the_whole_test_set(tmp_path: Path) -> None:
    document = full_document()
    document["test_set"] = {
        "robust": {"images": 1797, "accuracy": 0.964, "ci95": [0.9544, 0.9717]},
        "plain": {"images": 1797, "accuracy": 0.981, "ci95": [0.9736, 0.9864]},
    }
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", written(tmp_path, document)))
    interval = "95% interval 95.4% to 97.2%"
    assert f"Clean accuracy 96.4% of 1,797 test images, {interval}; plain 98.1%" in text


def test_minimal_report_leaves_sections_out(tmp_path: Path) -> None:
    text = written(tmp_path, minimal_document(), pictures=False)
    for title in (
        "Error amplification",
        "Training",
        "Certified",
        "Images before",
        "Use of the part",
    ):
        assert title not in text


def test_text_is_escaped(tmp_path: Path) -> None:
    text = written(tmp_path, full_document())
    assert "&lt;digits&gt; &amp; more" in text
    assert "<digits>" not in text


def test_signs_of_masked_gradients_stand_on_the_page(tmp_path: Path) -> None:
    document = full_document() | {"masked_gradient_signs": ["plain: still 60% at epsilon 128"]}
    assert "too weak: plain: still 60% at epsilon 128" in written(tmp_path, document)


def test_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    first = written(tmp_path / "a", full_document())
    assert written(tmp_path / "b", full_document()) == first


def test_failed_rendering_leaves_the_old_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = written(tmp_path, minimal_document(), pictures=False)

    def full_disk(path: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(path), None, str(target))

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="No space left"):
        written(tmp_path, full_document())
    assert (tmp_path / "index.html").read_text() == old
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "report.json"]


def test_headline_is_where_the_networks_differ_most() -> None:
    assert headline_row(parse_report(minimal_document())).epsilon_255 == 32


def of_one_network(claimed: int | None = None) -> dict[str, Any]:
    document = full_document()
    del document["plain_accuracy"]
    settings = {"rtlsim": {"epsilon_255": claimed}} if claimed else {}
    rows = document["robust_accuracy"][:2]
    return document | {"robust_accuracy": rows, "settings": settings}


@pytest.mark.parametrize(("claimed", "headline"), [(16, 16), (None, 32), (7, 32)])
def test_headline_without_a_plain_network_is_at_the_claimed_strength(
    claimed: int | None, headline: int
) -> None:
    row = headline_row(parse_report(of_one_network(claimed)))
    assert (row.network, row.epsilon_255) == ("robust", headline)


def test_a_single_network_goes_by_the_models_name(tmp_path: Path) -> None:
    document = of_one_network() | {"masked_gradient_signs": ["robust: still 60% at epsilon 128"]}
    text = written(tmp_path, document, pictures=False)
    shown = re.sub(r"<[^>]+>", " ", text)
    assert "too weak: digits: still 60%" in shown
    assert not re.search(r"\b(robust|plain)\b", shown)
    row = json.loads((tmp_path / "report.json").read_text())["robust_accuracy"][0]
    assert row["network"] == "robust"


def test_a_comparison_left_out_says_why(tmp_path: Path) -> None:
    document = minimal_document()
    document["agreement"]["skipped"] = {"finn_vs_integer": "verify.finn_images is 0"}
    del document["agreement"]["finn_vs_integer"]
    text = re.sub(r"<[^>]+>", " ", written(tmp_path, document, pictures=False))
    assert "FINN dataflow graph and integer network  none  not compared: verify.finn_im" in text


def test_a_comparison_without_a_reason_is_missed() -> None:
    document = minimal_document()
    del document["agreement"]["finn_vs_integer"]
    with pytest.raises(FlowError, match="finn_vs_integer is neither given nor skipped with a rea"):
        parse_report(document)


def pixels(data_uri: str) -> np.ndarray[Any, Any]:
    content = base64.b64decode(data_uri.removeprefix("data:image/png;base64,"))
    return np.rint(imread(io.BytesIO(content))[:, :, :3] * 255).astype(int)


def test_pictures_hold_the_pixels() -> None:
    image = digits().test_images[0]
    np.testing.assert_array_equal(pixels(image_png(image)), image.repeat(3, axis=2))


def test_difference_is_white_blue_or_orange() -> None:
    before = np.array([[[100], [100], [100]]], dtype=np.uint8)
    after = np.array([[[100], [132], [68]]], dtype=np.uint8)
    expected = [[[255, 255, 255], [0, 114, 178], [213, 94, 0]]]
    assert pixels(difference_png(before, after, 32)).tolist() == expected


def test_examples_are_right_when_clean_and_one_of_a_class() -> None:
    labels = [example.label for example in examples()]
    assert labels == sorted(set(labels))
    assert len(labels) == 6
    for example in examples():
        attacked = example.attacked["plain"]
        assert attacked.label_clean == example.label
        logits = digits_network().logits(attacked.image[np.newaxis])
        assert attacked.label_adversarial == logits.argmax()


def words(page: str) -> str:
    """Return a page's text without its drawings, whose legends are as wide as their names."""
    return unescape(re.sub(r"<svg.*?</svg>|<style.*?</style>", "", page, flags=re.DOTALL))


def test_networks_of_any_names_are_compared(tmp_path: Path) -> None:
    text = json.dumps(full_document())
    renamed = json.loads(text.replace('"robust"', '"first"').replace('"plain"', '"second"'))
    for row in renamed["certified"]:
        row["robust"] = row.pop("first")  # a count of images
    renamed |= {"deployed": "first", "compared": "second"}
    shown = written(tmp_path / "renamed", renamed, pictures=False)
    usual = written(tmp_path / "usual", full_document(), pictures=False)
    assert "second 15.0%" in shown
    assert words(shown.replace("first", "robust").replace("second", "plain")) == words(
        usual.replace("first", "robust").replace("second", "plain")
    )
    colours = [re.findall(r"#0072b2|#d55e00", page) for page in (shown, usual)]
    assert colours[0] == colours[1]


def test_a_template_that_asks_for_what_is_not_given_fails() -> None:
    with pytest.raises(UndefinedError, match="'seen' is undefined"):
        render("training.html", svg="<svg></svg>", last="")


def test_a_board_has_a_section_of_its_own(tmp_path: Path) -> None:
    page = unescape(written(tmp_path, full_document(), pictures=False))
    cells = dict(re.findall(r"<th scope=\"row\">([^<]*)</th><td>([^<]*)</td></tr>", page))
    assert cells["device"] == "Zynq board"
    assert (cells["digest"], cells["clock"]) == ("ab" * 16, "90 MHz")
    assert cells["test images whose every logit is the integers'"] == "360 of 360"
    assert cells["cycles an image, accelerator alone"] == "9,216 (kernel +0.25%)"
    assert cells["requests that were asked again"] == "3"
    assert cells["the link's share of that time"] == "25.0%"
    assert "<td>16</td><td>90.0%</td><td>720</td><td>1.5</td>" in page


def test_a_run_without_a_board_says_nothing_of_one(tmp_path: Path) -> None:
    assert "On the board" not in written(tmp_path, minimal_document(), pictures=False)
