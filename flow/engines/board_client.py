# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A board behind a server as an engine: NVIDIA's client of the Open Inference Protocol v2.

The link may lose, cut, damage or repeat what it carries: every request has an id and a checksum of
its images, every answer the same id and a checksum of its values. What does not fit is asked again,
which changes nothing, as the same images have the same logits; and no image is counted twice.
"""

import time
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from flow.classifier import Images, Logits, check_images
from flow.engines.base import Report, Trace
from flow.engines.board import BoardFigures
from flow.errors import FlowError

__all__ = ["Link", "RemoteBoard"]

_BUSY = ("502", "503", "504")
_FAILED = "500"  # the board itself; asking again is for the user to decide
_MOST_REFUSALS = 3  # of one request; a link that damages it earns refusals, too
_MOST_PAUSE_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Link:
    """How a server is reached.

    Attributes:
        url: http[s]://host:port/v2/models/NAME, as `serve` prints it.
        token: that the server asks for.
        authority: PEM file of who signed its certificate; None for the system's.
        certificate, key: PEM files, where the server asks for the client's certificate.
        batch: images in a request.
        timeout_s: for one answer.
        attempts: at a request before the link counts as broken.
    """

    url: str
    token: str | None = None
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    batch: int = 256
    timeout_s: float = 60.0
    attempts: int = 8


class RemoteBoard:
    """A served board; see Classifier.

    Args:
        link: how it is reached.
        digest: hex, of the accelerator that it must hold; None takes what is there.
        report: called with the images done and all images, after each request.

    Raises:
        FlowError: no such server, or it holds another accelerator.
    """

    name = "board"

    def __init__(self, link: Link, digest: str | None, report: Report | None = None) -> None:
        self.link, self.report = link, report
        place = urlsplit(link.url)
        if place.scheme not in ("http", "https") or not place.path.startswith("/v2/models/"):
            raise FlowError(
                f"board {link.url}: is no http[s]://host:port/v2/models/NAME; "
                "give the address that `serve` prints"
            )
        self._place, self.model = place.netloc, place.path.removeprefix("/v2/models/").strip("/")
        self._secure = place.scheme == "https"
        self._client: Any = None
        self._retries = 0
        about = self._patiently(self._metadata)
        self.input_shape, self.classes, told = _read_metadata(link.url, about)
        found = str(told.get("digest", ""))
        if digest is not None and found != digest:
            raise FlowError(
                f"board {link.url}: holds the accelerator {found or 'without a digest'}, not "
                f"{digest}; load the one that was compiled"
            )
        self.figures = BoardFigures(link.url, found, float(told.get("clock_mhz", 0.0)))

    def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def logits(self, images: Images) -> Logits:
        """Return int32[N, K]; see Classifier.

        Raises:
            FlowError: the server refuses, or the link stays broken.
        """
        check_images(images, self.input_shape)
        parts = [np.zeros((0, self.classes), np.int32)]
        for start in range(0, len(images), self.link.batch):
            batch = images[start : start + self.link.batch]
            begin = time.perf_counter()
            logits, cycles, board_s = self._patiently(lambda batch=batch: self._infer(batch))
            parts.append(logits)
            self._count(len(batch), cycles, time.perf_counter() - begin, board_s)
            if self.report:
                self.report(start + len(batch), len(images))
        return np.concatenate(parts)

    def _count(self, images: int, cycles: int, seconds: float, board_s: float) -> None:
        figures = self.figures
        figures.queries += images
        figures.requests += 1
        figures.retries = self._retries
        figures.cycles += cycles
        figures.seconds += seconds
        figures.link_s += max(0.0, seconds - board_s)

    def trace(self, image: Images) -> Trace:
        """Return the logits only: inner streams are not observed."""
        return [("logits", self.logits(image).astype(np.int64))]

    def _patiently(self, ask: Any) -> Any:  # noqa: ANN401  # tritonclient has no types
        """Ask until there is an answer that fits.

        Raises:
            FlowError: it is refused for good, or there is none after all attempts.
        """
        from geventhttpclient.response import HTTPParseError  # noqa: PLC0415
        from tritonclient.utils import InferenceServerException  # noqa: PLC0415

        last: Exception | None = None
        refusals = 0
        for attempt in range(self.link.attempts):
            if attempt:
                self._retries += 1
                time.sleep(min(0.05 * 2**attempt, _MOST_PAUSE_S))
            try:
                return ask()
            except InferenceServerException as error:
                refusals += error.status() not in (*_BUSY, None)
                if refusals == _MOST_REFUSALS or error.status() == _FAILED:
                    raise FlowError(f"board {self.link.url}: {error.message()}") from error
                last = error
            except (HTTPParseError, OSError, ValueError, LookupError, TypeError) as error:
                last = error  # a broken link
            self.close()
        raise FlowError(
            f"board {self.link.url}: no answer in {self.link.attempts} attempts ({last}); "
            "see to the link, and run again: what is done is kept"
        ) from last

    def _connect(self) -> Any:  # noqa: ANN401
        if self._client is None:
            from tritonclient.http import InferenceServerClient  # noqa: PLC0415

            self._client = InferenceServerClient(
                self._place,
                connection_timeout=self.link.timeout_s,
                network_timeout=self.link.timeout_s,
                ssl=self._secure,
                ssl_context_factory=self._tls if self._secure else None,
            )
        return self._client

    def _tls(self) -> Any:  # noqa: ANN401
        from gevent.ssl import create_default_context  # noqa: PLC0415

        authority = self.link.authority
        context = create_default_context(cafile=str(authority) if authority else None)
        if self.link.certificate is not None:
            context.load_cert_chain(
                str(self.link.certificate), self.link.key and str(self.link.key)
            )
        return context

    def _headers(self) -> dict[str, str]:
        token = self.link.token
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _metadata(self) -> Any:  # noqa: ANN401
        return self._connect().get_model_metadata(self.model, headers=self._headers())

    def _infer(self, images: Images) -> tuple[Logits, int, float]:
        """Return the logits, the board's cycles and its seconds."""
        from tritonclient.http import InferInput, InferRequestedOutput  # noqa: PLC0415

        identifier = uuid.uuid4().hex
        tensor = InferInput("images", list(images.shape), "UINT8")
        tensor.set_data_from_numpy(images, binary_data=True)
        found = self._connect().infer(
            self.model,
            [tensor],
            outputs=[InferRequestedOutput("logits", binary_data=True)],
            request_id=identifier,
            headers=self._headers(),
            parameters={"crc32": zlib.crc32(images.tobytes())},
        )
        return self._checked(found, identifier, len(images))

    def _checked(
        self,
        found: Any,  # noqa: ANN401
        identifier: str,
        count: int,
    ) -> tuple[Logits, int, float]:
        """Return the logits of an answer, and the cycles and seconds that it tells.

        Raises:
            ValueError: it is another request's, or was damaged on the way.
        """
        head, values = found.get_response(), found.as_numpy("logits")
        if head.get("id") != identifier or values is None:
            raise ValueError("the answer is another request's")
        logits: Logits = np.asarray(values).astype("<i4")
        if logits.shape != (count, self.classes):
            raise ValueError(f"the answer has the shape {logits.shape}")
        told = head["parameters"]
        if told["crc32"] != zlib.crc32(logits.tobytes()):
            raise ValueError("the answer was damaged on the way")
        return logits.astype(np.int32), int(told["cycles"]), float(told["seconds"])


def _read_metadata(url: str, about: Any) -> tuple[tuple[int, int, int], int, dict[str, Any]]:  # noqa: ANN401
    try:
        (image,), (output,) = about["inputs"], about["outputs"]
        _, height, width, channels = image["shape"]
        told = dict(about.get("parameters", {}))
        if (image["datatype"], output["datatype"], output["name"]) != ("UINT8", "INT32", "logits"):
            raise ValueError("other tensors than UINT8 images and INT32 logits")
        return (int(height), int(width), int(channels)), int(output["shape"][1]), told
    except (LookupError, TypeError, ValueError) as error:
        raise FlowError(
            f"board {url}: serves no classifier of this protocol ({error}); "
            "give the address that `serve` prints"
        ) from error
