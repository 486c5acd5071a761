"""A PgBouncer before a throwaway server, as Debian packages it."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from safemigrate.server.account import choose_account

_PORT = 6432
_START_TIMEOUT_SECONDS = 30
_CONFIGURATION = """\
[databases]
* = host={host} port={port} user={user}

[pgbouncer]
listen_addr =
listen_port = {own_port}
unix_socket_dir = {folder}
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
server_round_robin = {is_round_robin:d}
query_wait_timeout = 30
"""


def find_pgbouncer() -> str:
    """Return the program; without it the test fails where every server is required, else skips."""
    # Debian has it among the programs of an administrator
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
    program = shutil.which("pgbouncer", path=path)
    if program is None:
        reason = "PgBouncer is not installed; run: apt-get install pgbouncer"
        if os.environ.get("SAFEMIGRATE_REQUIRE_SERVER") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return program


@contextmanager
def open_pgbouncer(
    url: str, mode: str, *, size: int = 20, is_round_robin: bool = False
) -> Iterator[str]:
    """Start one before the server of `url`, and yield the URL of the same database through it."""
    program = find_pgbouncer()
    account = choose_account()
    # short enough for a socket
    folder = account.make_private_folder("/tmp")  # noqa: S108 - of random name
    try:
        configuration = _write_configuration(folder, url, mode, size, is_round_robin=is_round_robin)
        configuration.chmod(0o644)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, configuration],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stderr=log,
                user=account.uid if account.is_other else None,
                group=account.gid if account.is_other else None,
                extra_groups=[] if account.is_other else None,
            )
        try:
            _wait_until_ready(process, folder)
            query = {"host": str(folder), "port": str(_PORT)}
            yield make_url(url).set(query=query).render_as_string(hide_password=False)
        finally:
            process.terminate()
            process.wait()
    finally:
        shutil.rmtree(folder)


def _write_configuration(
    folder: Path, url: str, mode: str, size: int, *, is_round_robin: bool
) -> Path:
    server = make_url(url)
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        _CONFIGURATION.format(
            host=server.query["host"],
            port=server.query["port"],
            user=server.username,
            own_port=_PORT,
            folder=folder,
            mode=mode,
            size=size,
            is_round_robin=is_round_robin,
        )
    )
    return configuration


def _wait_until_ready(process: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + _START_TIMEOUT_SECONDS
    pause = threading.Event()
    while not (folder / f".s.PGSQL.{_PORT}").exists():
        log = (folder / "log").read_text(errors="replace")
        assert process.poll() is None, f"PgBouncer ended: {log}"
        assert time.monotonic() < end, f"PgBouncer does not start: {log}"
        pause.wait(0.01)
