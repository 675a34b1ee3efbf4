# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How a server may be reached, and what it puts up with."""

import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from ..errors import BoardError

__all__ = ["ServerSettings"]

_LEAST_TOKEN = 16
_HIGHEST_PORT = 65_535


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """Address, security and limits.

    Attributes:
        host, port: where it listens; port 0 takes a free one. Other addresses than loopback need
            TLS, and a token or client certificates.
        token: that clients must show as `Authorization: Bearer TOKEN`; at least 16 characters.
        certificate, key: PEM files; with them it speaks TLS.
        client_authority: PEM file; clients must show a certificate that it has signed.
        most_images: in a request, and in a call of the model.
        most_body_bytes, most_header_bytes: of a request.
        most_waiting: requests in the queue; more get status 503.
        most_connections: at once; more are closed with status 503, a flood of them without it.
        idle_s: a connection without a request is closed.
        request_s: a request that has begun must be there in full.
        answer_s: the model must have answered.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    certificate: Path | None = None
    key: Path | None = None
    client_authority: Path | None = None
    most_images: int = 1024
    most_body_bytes: int = 16 << 20
    most_header_bytes: int = 16 << 10
    most_waiting: int = 256
    most_connections: int = 128
    idle_s: float = 30.0
    request_s: float = 10.0
    answer_s: float = 300.0

    def __post_init__(self) -> None:
        if not 0 <= self.port <= _HIGHEST_PORT:
            raise BoardError(
                f"server: port {self.port} is not 0 to {_HIGHEST_PORT}; give 8000 or so"
            )
        if (self.certificate is None) != (self.key is None):
            raise BoardError("server: TLS needs a certificate and its key; give both")
        if self.client_authority is not None and self.certificate is None:
            raise BoardError("server: client certificates need TLS; give a certificate and its key")
        if self.token is not None and (len(self.token) < _LEAST_TOKEN or not self.token.isascii()):
            raise BoardError(
                f"server: the token has {len(self.token)} characters; give at least {_LEAST_TOKEN}"
                " of ASCII"
            )
        secure = self.certificate and (self.token or self.client_authority)
        if not secure and not _is_loopback(self.host):
            raise BoardError(
                f"server: {self.host} is no loopback address; give TLS and a token or a client "
                "authority, or listen on 127.0.0.1"
            )

    def tls(self) -> ssl.SSLContext | None:
        """Return the context of TLS, if it is to be spoken.

        Raises:
            BoardError: a file that cannot be used.
        """
        if self.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.client_authority is not None:
                context.load_verify_locations(self.client_authority)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ssl.SSLError) as error:
            raise BoardError(
                f"server: {self.certificate}, its key or the client authority cannot be used "
                f"({error}); give PEM files"
            ) from error
        return context


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
