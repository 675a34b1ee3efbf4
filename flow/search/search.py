# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The search: proposals that fit, short trainings, fewer and fewer, and the front of the rest.

It is a function of its settings alone. What workers find is kept by content, so that the same
call after a kill takes the finished parts from the store and ends with the same front; Optuna's
own study is a record that is written anew, for its dashboard.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from flow.cluster import Cluster, ResultStore
from flow.errors import FlowError
from flow.progress import banner
from flow.search.candidate import Candidate
from flow.search.cost import Cost, excess
from flow.search.goals import goal_values
from flow.search.measured import Measured
from flow.search.pareto import Points, front, ranking
from flow.search.proposals import Proposal, Proposals
from flow.search.settings import SearchConfig
from flow.search.trials import Refused, Scores, Trials
from flow.storage.workspace import output_folder

__all__ = ["Finalist", "Outcome", "search"]

_STORE = "results.sqlite"


@dataclass(frozen=True, kw_only=True)
class Finalist:
    """A candidate that was trained in full.

    Attributes:
        number: of the trial.
        measured: all its figures.
        problem: by how much it breaks which limits after all; "" if it keeps them.
    """

    number: int
    candidate: Candidate
    measured: Measured
    problem: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a search has found.

    Attributes:
        tried: trained candidates with their predicted cost and their first scores, by number.
        refused: candidates that were proposed and not trained, with the reason.
        finalists: trained in full, the front among them.
        front: those of the finalists that no other dominates, the best of the first goal first.
    """

    tried: tuple[tuple[Candidate, Cost, Scores], ...]
    refused: tuple[tuple[Candidate, str], ...]
    finalists: tuple[Finalist, ...]
    front: tuple[Finalist, ...]


@dataclass(frozen=True, kw_only=True)
class _Tried:
    number: int
    candidate: Candidate
    cost: Cost
    scores: Scores


def search(
    config: SearchConfig, cluster: Cluster, folder: Path, *, data: Path | None = None
) -> Outcome:
    """Search; go on where an earlier call with the same settings was stopped.

    Args:
        config: what is searched.
        cluster: who trains and measures.
        folder: of the store of results and of Optuna's study.
        data: folder of the data sets.

    Raises:
        FlowError: the data are missing, the folder cannot be written, no candidate fits, or none
            could be trained.
    """
    trials = Trials(config, data)
    with output_folder("search", folder):
        if cluster.store is None:
            cluster.store = ResultStore(folder / _STORE)
        return _searched(config, cluster, folder, trials)


def _searched(config: SearchConfig, cluster: Cluster, folder: Path, trials: Trials) -> Outcome:
    prior = trials.priors(cluster)
    proposals = Proposals(config, folder, lambda some: trials.costs(cluster, some), prior)
    tried = _tried(config, cluster, trials, proposals)
    if not tried:
        raise FlowError(f"search {config.name}: {_nothing(proposals.refused)}")
    finalists = _finals(config, cluster, trials, _halved(config, cluster, trials, tried))
    return Outcome(
        tried=tuple((one.candidate, one.cost, one.scores) for one in tried),
        refused=tuple(proposals.refused),
        finalists=finalists,
        front=_front(config, finalists),
    )


def _tried(
    config: SearchConfig, cluster: Cluster, trials: Trials, proposals: Proposals
) -> list[_Tried]:
    """Propose and train briefly, batch by batch; fewer where the space holds no more that fit."""
    found: list[_Tried] = []
    while len(found) < config.trials:
        batch = proposals.next(min(config.batch, config.trials - len(found)))
        if not batch:
            break
        title = f"first rung, from candidate {len(found) + 1} of {config.trials}"
        candidates = [one.candidate for one in batch]
        scores = trials.scores(cluster, candidates, config.rungs[0], title)
        told = zip(batch, scores, strict=True)
        found.extend(one for pair in told if (one := _told(config, proposals, *pair)))
    return found


def _told(
    config: SearchConfig, proposals: Proposals, proposal: Proposal, scores: Scores | Refused
) -> _Tried | None:
    """Tell the sampler what became of a proposal."""
    if isinstance(scores, Refused):
        proposals.failed(proposal, scores.problem)
        return None
    proposals.tell(proposal, goal_values(config.goals, proposal.cost, scores))
    return _Tried(
        number=proposal.number,
        candidate=proposal.candidate,
        cost=proposal.cost,
        scores=scores,
    )


def _nothing(refused: Sequence[tuple[Candidate, str]]) -> str:
    reason = refused[0][1] if refused else "nothing was proposed"
    return (
        f"none of {len(refused)} candidates can be built or trained, the first because of: "
        f"{reason}; widen the constraints or the space"
    )


def _points(config: SearchConfig, tried: Sequence[_Tried]) -> Points:
    return np.array([goal_values(config.goals, one.cost, one.scores) for one in tried])


def _halved(
    config: SearchConfig, cluster: Cluster, trials: Trials, tried: list[_Tried]
) -> list[_Tried]:
    """Return those that are left after every rung."""
    left = tried
    for place, rung in enumerate(config.rungs):
        if place:
            title = f"rung {place + 1} of {len(config.rungs)}"
            scores = trials.scores(cluster, [one.candidate for one in left], rung, title)
            left = [
                replace(one, scores=found)
                for one, found in zip(left, scores, strict=True)
                if isinstance(found, Scores)
            ]
        left = [left[index] for index in ranking(_points(config, left))[: rung.keep]]
        banner(f"search: {len(left)} candidates stay")
    return left


def _finals(
    config: SearchConfig, cluster: Cluster, trials: Trials, left: Sequence[_Tried]
) -> tuple[Finalist, ...]:
    found = []
    measured = trials.measured(cluster, [one.candidate for one in left])
    for one, result in zip(left, measured, strict=True):
        if isinstance(result, Refused):
            banner(f"search: trial {one.number} failed in the end: {result.problem}")
            continue
        cost = Cost(lut=result.lut, bram36=result.bram36, dsp=result.dsp, fps=result.fps)
        part, latency = one.candidate.compile.part, result.latency_us
        problem = excess(cost, config.constraints, part, latency_us=latency)
        found.append(
            Finalist(number=one.number, candidate=one.candidate, measured=result, problem=problem)
        )
    return tuple(found)


def _front(config: SearchConfig, finalists: Sequence[Finalist]) -> tuple[Finalist, ...]:
    """Return the front of those that keep the limits, by what was measured."""
    kept = [one for one in finalists if not one.problem]
    if not kept:
        return ()
    points = np.array([goal_values(config.goals, one.measured, one.measured) for one in kept])
    chosen = sorted(front(points), key=lambda index: tuple(-points[index]))
    return tuple(kept[index] for index in chosen)
