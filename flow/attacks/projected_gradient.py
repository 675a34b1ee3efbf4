# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Projected gradient ascent on the torch twin, judged on the uint8 grid at every step.

adversarial-robustness-toolbox has this attack too and the tests compare with it. Ours differs in
three ways that matter for integer hardware: it scores rounded images instead of rounding the last
iterate, it stops on each image that is already wrong, and its draws do not depend on global state.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from flow.attacks.base import Attack, Differentiable, check_attack_input
from flow.classifier import Images, Labels, check_images
from flow.progress import Report

__all__ = ["ProjectedGradient"]

_BATCH = 256  # images at a time: bounds the memory
_TEMPERATURES = (1.0, 2.0, 4.0)  # of the logits, in turn over the restarts

Indices = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class ProjectedGradient(Attack):
    """Sign-gradient ascent of the cross-entropy, projected on the ball (Madry et al. 2018).

    The cross-entropy is that of the logits times the network's scale, the trained network's own
    temperature: on the integers themselves softmax saturates and the gradients underflow to 0
    (Gupta and Ajanthan 2020), which would only look like robustness. Further restarts multiply the
    logits by 2 and by 4, since no single temperature is the best for every image.

    The iterate is continuous; the twin is evaluated at the iterate rounded to uint8 and the
    gradient passed straight through the rounding. Every evaluated image is thus a candidate on the
    victim's own grid. An image is done once a candidate is misclassified; otherwise the candidate
    of the smallest margin (logit of the label minus the largest other) over all restarts counts.

    Attributes:
        relative_step: step size is relative_step * epsilon / steps; Madry et al. use about 2.5.
        random_start: start uniformly in the ball instead of at the image.
    """

    steps: int
    restarts: int = 1
    relative_step: float = 2.5
    random_start: bool = True

    def run(
        self,
        network: Differentiable,
        images: Images,
        labels: Labels,
        epsilon_255: int,
        seed: int,
        *,
        progress: Report | None = None,
    ) -> Images:
        """Search the linf ball; see Attack.run."""
        check_images(images, network.input_shape)
        check_attack_input(images, labels, epsilon_255)
        best = images.copy()
        twin = network.twin()
        for start in range(0, len(images) if epsilon_255 else 0, _BATCH):
            rows = slice(start, start + _BATCH)
            search = _Search(twin, network.scale, images[rows], labels[rows], epsilon_255)
            for restart in range(self.restarts):
                noise = _noise(search, seed, restart, start) if self.random_start else None
                search.temperature = _TEMPERATURES[restart % len(_TEMPERATURES)]
                search.climb(noise, self.relative_step * epsilon_255 / self.steps, self.steps)
                if progress:
                    done = start * self.restarts + len(search.best) * (restart + 1)
                    progress(done, len(images) * self.restarts)
            best[rows] = search.best
        return best


def _noise(search: "_Search", seed: int, restart: int, first: int) -> Tensor:
    shape, epsilon = search.clean.shape[1:], search.epsilon
    draws = [
        np.random.default_rng((seed, restart, first + i)).uniform(-epsilon, epsilon, shape)
        for i in range(len(search.clean))
    ]
    return torch.from_numpy(np.stack(draws).astype(np.float32))


class _Search:
    """One batch: the worst image found so far for each clean one, and its margin."""

    def __init__(
        self, twin: nn.Module, scale: float, images: Images, labels: Labels, epsilon: int
    ) -> None:
        self.twin, self.scale, self.epsilon, self.temperature = twin, scale, epsilon, 1.0
        self.clean = torch.from_numpy(images).float()
        self.low = (self.clean - epsilon).clamp(min=0)
        self.high = (self.clean + epsilon).clamp(max=255)
        self.labels = labels
        self.best = images.copy()
        with torch.no_grad():
            wrong = _margins(self.twin(self.clean), labels) < 0
        self.margins = np.where(wrong, -np.inf, np.inf)  # an image that is wrong already is done

    def climb(self, noise: Tensor | None, step: float, steps: int) -> None:
        """Take the steps from the image plus noise; without noise the start is no candidate."""
        active = np.flatnonzero(self.margins >= 0)
        points = self._project(
            (self.clean if noise is None else self.clean + noise)[active], active
        )
        for index in range(steps + 1):
            if not len(active):
                return
            rounded = points.round().requires_grad_(index < steps)
            logits = self.twin(rounded)
            if noise is not None or index > 0:
                self._keep_worse(rounded, logits, active)
            if index < steps:
                points = self._project(points + step * self._sign(logits, rounded, active), active)
            resists = self.margins[active] >= 0
            active, points = active[resists], points[torch.from_numpy(resists)]

    def _keep_worse(self, candidates: Tensor, logits: Tensor, rows: Indices) -> None:
        margins = _margins(logits, self.labels[rows])
        worse = margins < self.margins[rows]
        self.margins[rows[worse]] = margins[worse]
        self.best[rows[worse]] = candidates.detach().numpy()[worse].astype(np.uint8)

    def _sign(self, logits: Tensor, rounded: Tensor, rows: Indices) -> Tensor:
        targets = torch.from_numpy(self.labels[rows])
        loss = functional.cross_entropy(
            logits * (self.scale * self.temperature), targets, reduction="sum"
        )
        (gradient,) = torch.autograd.grad(loss, rounded)
        return gradient.sign()

    def _project(self, points: Tensor, rows: Indices) -> Tensor:
        return torch.clamp(points, self.low[rows], self.high[rows])


def _margins(logits: Tensor, labels: Labels) -> NDArray[np.float64]:
    """Return the label's logit minus the largest other; negative exactly if misclassified.

    Logits are integers and ties go to the lowest index, so rivals below the label get 1/2 more.
    """
    scores = logits.detach().double().numpy()
    rows = np.arange(len(labels))
    rivals = scores + 0.5 * (np.arange(scores.shape[1]) < labels[:, None])
    rivals[rows, labels] = -np.inf
    margins: NDArray[np.float64] = scores[rows, labels] - rivals.max(axis=1)
    return margins
