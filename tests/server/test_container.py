"""The server in a container: how it starts, what it leaves, and how its absence is told."""

import sys
from collections.abc import Iterator

import docker  # type: ignore[import-untyped]  # it ships no types
import pytest
from sqlalchemy.engine import make_url

from safemigrate.errors import ServerError
from safemigrate.model import ServerVersion
from safemigrate.server import Server, open_server
from safemigrate.server.owners import this_process


@pytest.fixture
def engine(container_server: Server) -> Iterator[docker.DockerClient]:
    """The Docker engine, there if a container could be started."""
    assert container_server.kind == "container"
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def image(engine: docker.DockerClient) -> str:
    """The image of the container that runs for the session."""
    (container,) = ours(engine)
    return str(container.attrs["Config"]["Image"])


@pytest.fixture
def broken(engine: docker.DockerClient, image: str) -> Iterator[str]:
    """An image whose server says something and ends."""
    name = "safemigrate-test-broken:1"
    container = engine.containers.create(image, entrypoint=["/bin/echo", "no such luck"])
    container.commit(repository=name.partition(":")[0], tag="1")
    container.remove()
    yield name
    engine.images.remove(name)


def ours(engine: docker.DockerClient) -> list[docker.models.containers.Container]:
    """Return the containers that this process has started; others may run tests here too."""
    label = f"safemigrate.owner={this_process()}"
    return list(engine.containers.list(all=True, filters={"label": label}))


@pytest.mark.docker
def test_the_container_is_gone_after_the_context(engine: docker.DockerClient, image: str) -> None:
    before = {container.id for container in ours(engine)}
    with open_server(f"container:{image}") as server:
        during = {container.id for container in ours(engine)}
        assert len(during - before) == 1
        assert server.kind == "container"
    assert {container.id for container in ours(engine)} == before


@pytest.mark.docker
def test_variables_of_the_caller_change_nothing(
    image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"):
        monkeypatch.setenv(name, "mine")
    with open_server(f"container:{image}") as server:
        url = make_url(server.url("ledger"))
    assert "mine" not in {url.username, url.password}


@pytest.mark.docker
def test_ryuk_stays_off_and_its_setting_as_it_was(engine: docker.DockerClient) -> None:
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415 - an extra

    running = engine.containers.list(all=True, filters={"label": "org.testcontainers"})
    assert all("ryuk" not in container.attrs["Config"]["Image"] for container in running)
    assert testcontainers_config.ryuk_disabled is False


@pytest.mark.docker
def test_an_image_of_another_major_is_refused(engine: docker.DockerClient, image: str) -> None:
    before = len(ours(engine))
    with pytest.raises(ServerError, match="PostgreSQL 14 was asked for"):
        open_server(f"container:{image}", version=ServerVersion(14)).__enter__()
    assert len(ours(engine)) == before


@pytest.mark.docker
def test_a_server_that_does_not_start_shows_its_last_lines(
    engine: docker.DockerClient, broken: str
) -> None:
    before = len(ours(engine))
    with pytest.raises(ServerError, match="does not start") as caught:
        open_server(f"container:{broken}").__enter__()
    assert "no such luck" in caught.value.hint
    assert len(ours(engine)) == before


@pytest.mark.docker
def test_an_image_that_cannot_be_had_is_named(engine: docker.DockerClient) -> None:
    assert engine.ping()
    missing = "localhost:1/nothing:1"
    with pytest.raises(ServerError, match=f'"{missing}" is not here and cannot be pulled'):
        open_server(f"container:{missing}").__enter__()


@pytest.mark.docker
def test_a_name_that_no_image_can_have_is_named(engine: docker.DockerClient) -> None:
    assert engine.ping()
    with pytest.raises(ServerError, match='cannot use "no good" as an image'):
        open_server("container:no good").__enter__()


@pytest.mark.parametrize("host", ["tcp://127.0.0.1:1", "unix:///nowhere/docker.sock"])
def test_an_engine_that_does_not_answer_is_told(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(ServerError, match="Docker does not answer") as caught:
        open_server("container").__enter__()
    assert "docker info" in caught.value.hint


def test_without_testcontainers_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "testcontainers", None)
    with pytest.raises(ServerError, match="testcontainers is not installed") as caught:
        open_server("container").__enter__()
    assert "pip install 'safemigrate[container]'" in caught.value.hint
