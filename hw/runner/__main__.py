# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`python3 -m runner check FOLDER` and `python3 -m runner serve FOLDER`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .check import check
from .driver import Driver
from .errors import BoardError
from .package import Package
from .server.http import Server
from .server.model import driver_model
from .server.settings import ServerSettings

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status: 0, 1 for values that differ, 2 for an error."""
    options = _parser().parse_args(arguments)
    try:
        package = Package.load(options.folder)
        first, *others = package.open(options.device)
        with Driver(first, package.description, others=others) as driver:
            return int(options.command(driver, package, options))
    except BoardError as error:
        print(f"runner: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m runner", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    checks = commands.add_parser("check", help="prove digest, values and frame rate")
    checks.set_defaults(command=_check)
    serves = commands.add_parser("serve", help="serve the board: Open Inference Protocol v2")
    serves.set_defaults(command=_serve)
    for command in (checks, serves):
        command.add_argument("folder", type=Path, help="what was packaged for the board")
        command.add_argument(
            "--device", default="", help="serial port of a board behind a UART, as /dev/ttyUSB1"
        )
    serves.add_argument("--host", default="127.0.0.1", help="address (default: 127.0.0.1)")
    serves.add_argument("--port", type=int, default=8000, help="port (default: 8000)")
    serves.add_argument("--token-file", type=Path, help="file with the token that clients show")
    serves.add_argument("--certificate", type=Path, help="PEM file; speaks TLS")
    serves.add_argument("--key", type=Path, help="PEM file of the certificate's key")
    serves.add_argument("--client-authority", type=Path, help="PEM file; clients show certificates")
    return parser


def _check(driver: Driver, package: Package, options: argparse.Namespace) -> int:  # noqa: ARG001
    report = check(driver, *package.examples())
    print("\n".join(report.lines()))
    return int(report.wrong > 0)


def _serve(driver: Driver, package: Package, options: argparse.Namespace) -> int:  # noqa: ARG001
    settings = ServerSettings(
        host=options.host,
        port=options.port,
        token=_token(options.token_file),
        certificate=options.certificate,
        key=options.key,
        client_authority=options.client_authority,
    )
    server = Server(driver_model(driver), settings)
    name = driver.description.name
    print(f"serving {name} at {server.url}/v2/models/{name}", flush=True)  # into a log, too
    try:
        server.serve_forever()
    finally:
        server.batcher.close()
    return 0


def _token(path: "Path | None") -> "str | None":
    if path is None:
        return None
    try:
        return path.read_text().strip()
    except OSError as error:
        raise BoardError(f"{path}: the token cannot be read ({error.strerror})") from error


if __name__ == "__main__":
    sys.exit(main())
