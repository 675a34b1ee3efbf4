# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the certify step writes, on a real network."""

from pathlib import Path

import pytest
from quantized_digits import digits_network

from flow.certify.checker import check_file
from flow.cli import main
from flow.report.schema import CertifiedRow
from flow.run.counterexamples import with_attacks
from flow.run.loading import parse_config
from flow.run.pipeline import Context, Pipeline
from flow.run.results import Certified
from flow.run.steps.certify import CertifyStep

ATTACK = {"epsilons_255": [0, 4, 40], "images": 12}


def _context(folder: Path, file: str = "network.npz", **certify: object) -> Context:
    budget = {"flips": 20, "nodes": 10} | certify
    config = parse_config({"name": "a", "attack": ATTACK, "certify": budget}, "here")
    context = Context(config=config, workspace=folder, data=None)
    for step in ("compile", "certify", "scratch"):
        context.folder(step).mkdir(parents=True, exist_ok=True)
    digits_network().save(context.folder("compile") / file)
    return context


def _rows(context: Context) -> list[CertifiedRow]:
    CertifyStep().run(context, context.folder("certify"), context.folder("scratch"))
    return list(with_attacks(Certified.load(context.folder("certify")).rows, []))


def test_images_and_radii_are_the_attacks_where_nothing_is_said(tmp_path: Path) -> None:
    rows = _rows(_context(tmp_path))
    assert [(row.epsilon_255, row.images) for row in rows] == [(0, 12), (4, 12), (40, 12)]
    assert rows[0].unknown == 0
    assert rows[0].robust >= rows[1].robust >= rows[2].robust


@pytest.mark.parametrize("file", ["network.npz", "robust.npz"])  # now, and of earlier runs
def test_its_certificates_pass_the_checker(file: str, tmp_path: Path) -> None:
    context = _context(tmp_path, file, epsilons_255=[2], images=6)
    rows = _rows(context)
    certificates = context.folder("certify") / "certificates-2.jsonl"
    counts = check_file(certificates, context.folder("compile") / file)
    assert sum(counts.values()) == rows[0].images == 6


def test_an_interrupted_step_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = _context(tmp_path)
    first = _rows(context)
    begun = []
    monkeypatch.setattr("flow.certify.tiers.Prover.decide", lambda *task: begun.append(task))
    assert _rows(context) == first
    assert begun == []


def test_the_command_takes_the_configuration_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "one.yaml"
    config.write_text("name: one\ncertify: {images: 3}\n")
    asked = []
    monkeypatch.setattr(Pipeline, "run", lambda _, context, target: asked.append((context, target)))
    assert main(["certify", str(config), "--output", str(tmp_path / "out")]) == 0
    (context, target) = asked[0]
    assert (context.config.certify.images, target) == (3, "certify")
    assert capsys.readouterr().out.endswith("out/certify/certify.json\n")
