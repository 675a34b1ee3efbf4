# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The server: HTTP/1.1 with keep-alive, TLS and a token, over a batcher."""

import hmac
import io
import json
import socket
import ssl
import threading
from concurrent.futures import TimeoutError as AnswerTimeoutError
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .. import errors
from ._stream import LimitedStream
from .batcher import Batcher, BusyError
from .model import Model
from .protocol import ProtocolError, infer_response, metadata, parse_infer
from .refuser import Refuser
from .settings import ServerSettings

__all__ = ["Server"]

_LENGTH = "Inference-Header-Content-Length"
_READ_AHEAD = 8192


class Server:
    """Serves one model. A context manager that listens inside; or call serve_forever.

    Args:
        model: what is served.
        settings: where and how.

    Raises:
        BoardError: the address is taken, or files of TLS cannot be used.
    """

    def __init__(self, model: Model, settings: ServerSettings) -> None:
        self.model, self.settings = model, settings
        self.batcher = Batcher(
            model, most_images=settings.most_images, most_waiting=settings.most_waiting
        )
        try:
            self._http = _Listener(self)
        except OSError as error:
            self.batcher.close()
            raise errors.BoardError(
                f"server: {settings.host} port {settings.port} cannot be listened on "
                f"({error.strerror}); choose another"
            ) from error
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is reached."""
        scheme = "https" if self.settings.certificate else "http"
        host, port = self._http.server_address[:2]
        return f"{scheme}://{host!s}:{port}"

    def serve_forever(self) -> None:
        """Serve until another thread calls close."""
        self._http.serve_forever()

    def __enter__(self) -> "Server":
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, answer what waits."""
        self._http.shutdown()
        self._http.server_close()
        self.batcher.close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, server: Server) -> None:
        self.owner = server
        self.tls = server.settings.tls()
        settings = server.settings
        self._places = threading.Semaphore(settings.most_connections)
        self._refuser = Refuser(
            self.tls,
            most_connections=settings.most_connections,
            most_bytes=settings.most_header_bytes + settings.most_body_bytes,
        )
        if ":" in settings.host:
            self.address_family = socket.AF_INET6
        super().__init__((settings.host, settings.port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Start a thread for a connection; where there is no place, let it be told so."""
        if not self._places.acquire(blocking=False):
            self._refuser.refuse(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread can be started; the place is the next connection's
            self._places.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Shake hands, where TLS is spoken, and serve a connection."""
        try:
            request.settimeout(self.owner.settings.request_s)
            if self.tls is not None:
                request = self.tls.wrap_socket(request, server_side=True)
            super().process_request_thread(request, client_address)
        except OSError:  # the handshake failed; TLS has told the client
            self.shutdown_request(request)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Say nothing: a connection that breaks is the client's business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "steelflow", ""
    server: _Listener

    def setup(self) -> None:
        """Put limits on what is read."""
        super().setup()
        self.stream = LimitedStream(self.connection)
        self.reader = io.BufferedReader(self.stream, _READ_AHEAD)
        self.rfile = self.reader
        self.settings = self.server.owner.settings
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)

    def handle_one_request(self) -> None:
        """Wait for a request, then take it within its time."""
        limit = self.settings.most_header_bytes + _READ_AHEAD
        try:
            self.stream.allow(self.settings.idle_s, limit)
            if not self.reader.peek(1):
                self.close_connection = True
                return
            self.stream.allow(self.settings.request_s, limit)
            super().handle_one_request()
        except TimeoutError:
            self.close_connection = True
        except OverflowError:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers: too large")
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True

    def do_GET(self) -> None:  # the library's name
        """Answer health, metadata and statistics."""
        if not self._is_allowed():
            return
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self._refuse(HTTPStatus.BAD_REQUEST, "body: a GET has none")  # or it is the next one
            return
        model, path = self.server.owner.model, self.path
        base = f"/v2/models/{model.name}"
        answers: dict[str, Any] = {
            "/v2": {"name": "steelflow", "version": "1", "extensions": ["binary_tensor_data"]},
            "/v2/health/live": {"live": True},
            "/v2/health/ready": {"ready": True},
            f"{base}/ready": {"name": model.name, "ready": True},
        }
        if path in (base, f"{base}/versions/1"):
            self._send(HTTPStatus.OK, metadata(model))
        elif path == f"{base}/stats":
            counts = self.server.owner.batcher.statistics.snapshot()
            self._send(HTTPStatus.OK, {"name": model.name, "version": "1", **counts})
        elif path in answers:
            self._send(HTTPStatus.OK, answers[path])
        else:
            self._refuse(HTTPStatus.NOT_FOUND, f"no such address; this board holds {model.name}")

    def do_POST(self) -> None:  # the library's name
        """Answer inference."""
        if not self._is_allowed():
            return
        model = self.server.owner.model
        if self.path not in (
            f"/v2/models/{model.name}/infer",
            f"/v2/models/{model.name}/versions/1/infer",
        ):
            self._refuse(HTTPStatus.NOT_FOUND, f"no such address; this board holds {model.name}")
            return
        try:
            body = self._body()
            request = parse_infer(body, self.headers.get(_LENGTH), model, self.settings.most_images)
            answer = self.server.owner.batcher.submit(request.images).result(self.settings.answer_s)
        except ProtocolError as error:
            self._refuse(HTTPStatus(error.status), str(error))
        except BusyError as error:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, str(error), retry_s=1)
        except AnswerTimeoutError:
            self._refuse(HTTPStatus.GATEWAY_TIMEOUT, f"no answer in {self.settings.answer_s:g} s")
        except errors.BoardError as error:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
        else:
            self._send_values(*infer_response(model, request, answer))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what the library refuses, as JSON."""
        reason = message or explain or HTTPStatus(code).phrase
        self._refuse(HTTPStatus(code), "".join(c if c.isprintable() else "?" for c in reason)[:200])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401
        """Say nothing."""

    def _is_allowed(self) -> bool:
        token = self.settings.token
        shown = self.headers.get("Authorization", "")
        if token is None or hmac.compare_digest(
            shown.encode("latin-1", "replace"), f"Bearer {token}".encode()
        ):
            return True
        self._refuse(HTTPStatus.UNAUTHORIZED, "Authorization: give Bearer and this board's token")
        return False

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length")
        if length is None or self.headers.get("Transfer-Encoding") is not None:
            raise ProtocolError(411, "Content-Length: is needed")
        if len(self.headers.get_all("Content-Length", [])) > 1:
            raise ProtocolError(400, "Content-Length: is given more than once")
        if self.headers.get("Content-Encoding", "identity") != "identity":
            raise ProtocolError(415, "Content-Encoding: compressed bodies are not taken")
        if not (length.isascii() and length.isdigit()) or len(length) > 12:
            raise ProtocolError(400, "Content-Length: is no number")
        size = int(length)
        if size > self.settings.most_body_bytes:
            raise ProtocolError(413, f"body: {size} bytes are over {self.settings.most_body_bytes}")
        self.stream.allow(self.settings.request_s, size + _READ_AHEAD)
        body = self.rfile.read(size)
        if len(body) != size:
            raise ConnectionError("the body ended early")
        return body

    def _refuse(self, status: HTTPStatus, message: str, retry_s: int | None = None) -> None:
        self.close_connection = True  # whatever else the client sends is not read
        headers = {"Connection": "close"}
        if retry_s is not None:
            headers["Retry-After"] = str(retry_s)
        self._send(status, {"error": message}, headers)

    def _send(
        self, status: HTTPStatus, content: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        body = json.dumps(content).encode()
        head = {"Content-Type": "application/json", **(headers or {})}
        self._reply(status, body, head)

    def _send_values(self, body: bytes, json_length: int | None) -> None:
        if json_length is None:
            self._reply(HTTPStatus.OK, body, {"Content-Type": "application/json"})
        else:
            head = {"Content-Type": "application/octet-stream", _LENGTH: str(json_length)}
            self._reply(HTTPStatus.OK, body, head)

    def _reply(self, status: HTTPStatus, body: bytes, headers: dict[str, str]) -> None:
        self.connection.settimeout(self.settings.request_s)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
