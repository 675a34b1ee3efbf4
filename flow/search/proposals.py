# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Candidates that Optuna proposes and the cost model lets pass."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna

from flow.errors import SettingError
from flow.search.candidate import Candidate
from flow.search.cost import Cost, excess
from flow.search.settings import SearchConfig
from flow.search.space import suggest, uniform_parameters
from flow.search.trials import Refused
from steelflow_names import one_line

__all__ = ["Proposal", "Proposals"]

_TRIES = 25  # proposals for each one that is wanted
_STUDY = "study.sqlite"
_Costs = Callable[[Sequence[Candidate]], list[Cost | Refused]]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A candidate that fits, with the number of its trial."""

    number: int
    candidate: Candidate
    cost: Cost


class Proposals:
    """Asks and tells; the same answers to the same told values.

    Args:
        config: of the search.
        folder: of the study's file, where the configuration names no database.
        costs: predicts many candidates at a time.
        prior: parameters of candidates that come next after the uniform ones.

    Attributes:
        refused: what did not fit, or could not be trained, and why.
    """

    def __init__(
        self,
        config: SearchConfig,
        folder: Path,
        costs: _Costs,
        prior: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._config, self._costs = config, costs
        self.refused: list[tuple[Candidate, str]] = []
        self._seen: set[str] = set()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = _study(config, folder)
        self._guided = self._study.sampler
        self._random = self._guided  # whose draws simply go on
        if config.sampler != "random":
            self._random = optuna.samplers.RandomSampler(seed=config.seed)
            for parameters in (*uniform_parameters(config), *prior):
                self._study.enqueue_trial(dict(parameters))

    def next(self, count: int) -> list[Proposal]:
        """Return so many that fit and are new; fewer where the space seems to hold no more."""
        found, fruitless = list[Proposal](), False
        for _ in range(_TRIES):
            missing = count - len(found)
            if not missing:
                break
            # what is refused is no result to the sampler, which would repeat it for ever
            self._study.sampler = self._random if fruitless else self._guided
            some = self._fitting(missing)
            fruitless = not some
            found.extend(some)
        return found

    def _fitting(self, count: int) -> list[Proposal]:
        trials = [self._study.ask() for _ in range(count)]
        candidates = [suggest(trial, self._config) for trial in trials]
        found = []
        for trial, one, cost in zip(trials, candidates, self._costs(candidates), strict=True):
            proposal = self._judged(trial, one, cost)
            found.extend([proposal] if proposal else [])
        return found

    def _judged(
        self, trial: optuna.Trial, candidate: Candidate, cost: Cost | Refused
    ) -> Proposal | None:
        if isinstance(cost, Refused):
            problem = cost.problem
        else:
            problem = excess(cost, self._config.constraints, candidate.compile.part)
        known = candidate.model_dump_json()
        if not problem and not isinstance(cost, Refused) and known not in self._seen:
            self._seen.add(known)
            return Proposal(number=trial.number, candidate=candidate, cost=cost)
        trial.set_user_attr("refused", problem or "was tried before")
        self._study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        if problem and known not in self._seen:
            self._seen.add(known)
            self.refused.append((candidate, problem))
        return None

    def tell(self, proposal: Proposal, values: Sequence[float]) -> None:
        """Tell the goals' values, larger is better."""
        self._study.tell(proposal.number, list(values))

    def failed(self, proposal: Proposal, problem: str) -> None:
        """Tell that a candidate could not be trained."""
        self.refused.append((proposal.candidate, problem))
        self._study.tell(proposal.number, state=optuna.trial.TrialState.FAIL)


def _study(config: SearchConfig, folder: Path) -> optuna.Study:
    url = config.storage or f"sqlite:///{folder / _STUDY}"
    try:
        known = optuna.study.get_all_study_names(url)
        if config.name in known:
            optuna.delete_study(study_name=config.name, storage=url)
        return optuna.create_study(
            study_name=config.name,
            storage=url,
            sampler=_sampler(config),
            directions=["maximize"] * len(config.goals),
        )
    except Exception as error:  # of a driver, which Optuna does not name
        reason = one_line(error)[:200]
        raise SettingError(
            f"storage {url}: cannot be used ({reason}); give the URL of a database", "storage"
        ) from error


def _sampler(config: SearchConfig) -> optuna.samplers.BaseSampler:
    kinds: dict[str, Any] = {
        "tpe": lambda: optuna.samplers.TPESampler(
            seed=config.seed, n_startup_trials=config.batch, constant_liar=True
        ),
        "nsga2": lambda: optuna.samplers.NSGAIISampler(
            seed=config.seed, population_size=config.batch
        ),
        "random": lambda: optuna.samplers.RandomSampler(seed=config.seed),
    }
    found: optuna.samplers.BaseSampler = kinds[config.sampler]()
    return found
