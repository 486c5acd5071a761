"""A project to deploy."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.streams import Process
from tests.deploy.docker_image import Image, build_image
from tests.deploy.project import write_project

_KEPT = ("HOME", "LANG", "SAFEMIGRATE_CACHE_DIR")

Launch = Callable[..., Process]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An Alembic project with two revisions."""
    return write_project(tmp_path / "project")


@pytest.fixture
def launch(project: Path, database: str) -> Iterator[Launch]:
    """Start a command in the project with the environment of a deploy; it ends with the test."""
    started: list[Process] = []

    def launch(*command: str, **variables: str) -> Process:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        process = subprocess.Popen(
            command,
            cwd=project,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**kept, "PATH": path, "SAFEMIGRATE_URL": database, **variables},
        )
        started.append(process)
        return process

    yield launch
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image of the Dockerfile for the project; skips the test where there is no Docker."""
    with build_image(tmp_path_factory.mktemp("image")) as built:
        yield built
