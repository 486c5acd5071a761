"""A server in a container of its own, run by a Docker engine through testcontainers.

The module needs the extra `container`, and is slow to load: `open_server` imports it when asked.
"""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from secrets import token_hex

import docker  # type: ignore[import-untyped]  # it ships no types
from docker.errors import (  # type: ignore[import-untyped]  # the same
    APIError,
    DockerException,
    ImageNotFound,
)
from sqlalchemy.engine import URL
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config
from testcontainers.core.docker_client import DockerClient, get_docker_host
from testcontainers.core.exceptions import ContainerStartException
from testcontainers.core.waiting_utils import WaitStrategy, WaitStrategyTarget

from safemigrate.errors import ServerError, UnreachableError
from safemigrate.model import ServerVersion
from safemigrate.server.connections import connect
from safemigrate.server.databases import Server
from safemigrate.server.owners import find_owner, this_process

__all__ = ["open_container", "require_image"]

_DEFAULT_HOST = "unix:///var/run/docker.sock"
_DEFAULT_VERSION = ServerVersion(17)
_SUPERUSER = "postgres"
_PORT = 5432
_START_TIMEOUT_SECONDS = 120
_POLL_SECONDS = 0.1
_SHOWN_LINES = 5
_LABEL = "safemigrate"
_CREDENTIALS = re.compile(r"//[^/]*@")
_OWNER_LABEL = "safemigrate.owner"
# The data goes with the container (NON-DURABILITY).
_COMMAND = "postgres -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
# Docker gives 64 MB, less than one parallel index build may ask for.
_SHARED_MEMORY = "256m"


@contextmanager
def open_container(
    image: str | None = None, *, version: ServerVersion | None = None
) -> Iterator[Server]:
    """Start a PostgreSQL container for the time of the context.

    `image` is the official one of `version` when it is None; the engine pulls it if it has to.
    Whatever image, it must take POSTGRES_USER and its kin as the official one does.
    The container has the label `safemigrate`, and one that says who started it: if we are killed,
    the next run on this machine removes it, as Ryuk would need an image and rights of its own.
    Raises ServerError when Docker does not answer, the image is not to be had, the server does
    not start or is of another major than `version`.
    """
    image = image or f"postgres:{version or _DEFAULT_VERSION}"
    with _engine() as engine:
        _remove_abandoned(engine)
        _pull_missing(engine, testcontainers_config.hub_image_name_prefix + image)
    container = _describe(image)
    try:
        _start(container, image)
        server = Server("container", _address(container), read_log=lambda: _read_logs(container))
        if version is not None and server.version != version:
            raise ServerError(
                f'image "{image}" is PostgreSQL {server.version}, '
                f"PostgreSQL {version} was asked for",
                f"use container:postgres:{version}, or ask for the version the image has",
            )
        yield server
    finally:
        container.stop()


def require_image(image: str) -> None:
    """Raise ServerError unless a Docker engine answers and has `image` already."""
    with _engine() as engine:
        if not _has_image(engine, image):
            raise ServerError(f'Docker has no image "{image}"', f"get it: docker pull {image}")


def _remove_abandoned(engine: docker.DockerClient) -> None:
    """Remove the containers of runs on this machine that ended before they could."""
    with suppress(DockerException):
        for found in engine.containers.list(
            all=True, filters={"label": _LABEL}, ignore_removed=True
        ):
            owner = find_owner(found.labels.get(_OWNER_LABEL, ""))
            if owner is not None and owner.is_gone:
                with suppress(DockerException):
                    found.remove(force=True, v=True)


def _pull_missing(engine: docker.DockerClient, image: str) -> None:
    if _has_image(engine, image):
        return
    try:
        engine.images.pull(image)
    except DockerException as err:
        raise ServerError(
            f'image "{image}" is not here and cannot be pulled',
            f"check its name; Docker says: {_explain(err)}",
        ) from err


@contextmanager
def _engine() -> Iterator[docker.DockerClient]:
    """Yield a client of the engine that testcontainers uses."""
    address = get_docker_host() or _DEFAULT_HOST
    host = _CREDENTIALS.sub("//", address)
    try:
        _probe(address)
        client = DockerClient().client
    except PermissionError as err:
        raise ServerError(
            f'Docker does not let this account in: "{host}" is closed to it',
            "let it into the group that the socket belongs to, usually `docker`, and log in again "
            "(`docker info` then works), or use an embedded server",
        ) from err
    except FileNotFoundError as err:
        raise ServerError(
            f'Docker does not answer: there is no socket "{host}"',
            "install or start the Docker engine (`docker info` then works), set DOCKER_HOST to "
            "where it is, or use an embedded server",
        ) from err
    except (DockerException, OSError) as err:
        raise ServerError(
            f'Docker does not answer at "{host}"',
            "start the Docker engine, check that you may use it (`docker info`), "
            "or use an embedded server",
        ) from err
    try:
        yield client
    finally:
        client.close()


def _probe(host: str) -> None:
    """Connect to the engine's Unix socket; docker leaves its own open when nobody answers."""
    scheme, _, path = host.partition("://")
    if scheme == "unix":
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)


def _has_image(engine: docker.DockerClient, image: str) -> bool:
    try:
        engine.images.get(image)
    except ImageNotFound:
        return False
    except APIError as err:
        raise ServerError(f'Docker cannot use "{image}" as an image', _explain(err)) from err
    return True


def _explain(error: DockerException) -> str:
    """Return what the engine said; only some of the errors carry it."""
    return str(error.explanation) if isinstance(error, APIError) else type(error).__name__


def _describe(image: str) -> PostgresContainer:
    """Return the container, not started, with nothing left to the caller's POSTGRES_… variables."""
    container = PostgresContainer(
        image,
        port=_PORT,
        username=_SUPERUSER,
        password=token_hex(16),
        dbname=_SUPERUSER,
        driver="psycopg",
    )
    labels = {_LABEL: "throwaway-server", _OWNER_LABEL: str(this_process())}
    container.with_command(_COMMAND)
    container.with_kwargs(shm_size=_SHARED_MEMORY, labels=labels)
    container.waiting_for(_Answer(container))
    return container


def _start(container: PostgresContainer, image: str) -> None:
    """Start `container` and wait for the server; the driver's errors become a ServerError.

    No text of testcontainers is passed on: it may hold the command it ran, with the password.
    """
    try:
        with _ryuk_off():
            container.start()
    except DockerException as err:
        raise ServerError(f'Docker does not start image "{image}"', _explain(err)) from err
    except (ContainerStartException, TimeoutError, RuntimeError) as err:
        raise ServerError(
            f'the server in image "{image}" does not start', _last_lines(container)
        ) from err


@contextmanager
def _ryuk_off() -> Iterator[None]:
    """Keep testcontainers from starting Ryuk, and leave its configuration as it was."""
    before = testcontainers_config.ryuk_disabled
    testcontainers_config.ryuk_disabled = True
    try:
        yield
    finally:
        testcontainers_config.ryuk_disabled = before


class _Answer(WaitStrategy):
    """Waits until the server answers from here, but not for a container that has ended."""

    def __init__(self, described: PostgresContainer) -> None:
        super().__init__()
        self._described = described

    def wait_until_ready(self, container: WaitStrategyTarget) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not _answers(self._described):
            container.reload()
            if container.status not in {"created", "running"}:
                raise ContainerStartException(container.status)
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(_POLL_SECONDS)


def _answers(container: PostgresContainer) -> bool:
    try:
        with connect(_address(container)):
            return True
    except UnreachableError:
        return False


def _address(container: PostgresContainer) -> URL:
    return URL.create(
        "postgresql+psycopg",
        username=_SUPERUSER,
        password=container.password,
        host=container.get_container_host_ip(),
        port=container.get_exposed_port(_PORT),
        database=_SUPERUSER,
    )


def _last_lines(container: PostgresContainer) -> str:
    text = _read_logs(container)
    lines = [line.strip() for line in text.splitlines() if line.strip()][-_SHOWN_LINES:]
    if not lines:
        return "check that it is an image of PostgreSQL and that its port can be reached from here"
    return "its last lines: " + " | ".join(lines)


def _read_logs(container: PostgresContainer) -> str:
    try:
        text = b"\n".join(container.get_logs()).decode(errors="replace")
    except (DockerException, ContainerStartException):
        return ""
    return text.replace(container.password, "***")
