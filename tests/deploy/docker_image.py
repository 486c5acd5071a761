"""The image of docs/deploy/Dockerfile, for a sample project and with the wheel of this checkout."""

import json
import platform
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from safemigrate.errors import ServerError
from safemigrate.server.container import require_image
from safemigrate.server.owners import find_owner, this_process
from tests.conftest import CONTAINER_IS_REQUIRED
from tests.deploy.manifests import DEPLOY, ROOT, list_blocks
from tests.deploy.project import write_project

__all__ = ["BASE", "Image", "build_image", "docker", "shown"]

BASE = "safemigrate-python:3.13"
_PYTHON = "3.13"
_NAME = "safemigrate-deploy-test"
_SECRETS = (
    ".env",
    "credentials.json",
    "notes/.env",
    "migrations/.env.production",
    "migrations/versions/.env",
    "migrations/versions/server.key",
    "migrations/.venv/pyvenv.cfg",
)
_PLATFORMS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
_OWNER_LABEL = "safemigrate.owner"
_SHOWN = [line for block in list_blocks("sh") for line in block.splitlines()]


@dataclass(frozen=True, slots=True)
class Image:
    """A built image, by its name."""

    name: str

    def inspect(self) -> dict[str, Any]:
        """Return what Docker knows of it."""
        (found,) = json.loads(docker("image", "inspect", self.name))
        assert isinstance(found, dict)
        return found


def docker(*arguments: str) -> str:
    """Return what a command of Docker writes; raises CalledProcessError when it fails."""
    return subprocess.run(
        ("docker", *arguments), check=True, capture_output=True, text=True
    ).stdout.strip()


def shown(command: str) -> list[str]:
    """Return the words of the first command in docs/deploy.md that begins so."""
    line = next(line for line in _SHOWN if line.startswith(f"{command} "))
    return shlex.split(line)


@contextmanager
def build_image(folder: Path) -> Iterator[Image]:
    """Build the image by the command that the page shows; it is gone after the context."""
    _require_base()
    _remove_abandoned()
    project = write_project(folder / "project")
    for name in ("Dockerfile", ".dockerignore", "requirements.txt"):
        shutil.copy(DEPLOY / name, project)
    # must stay out of the image
    for name in _SECRETS:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("postgresql://a:secret@b/c\n", encoding="utf-8")
    index = _make_index(folder)
    name = f"{_NAME}:{token_hex(6)}"
    stages = [f"{name}-build", name]
    *command, context = shown("docker build")
    assert context == "."
    tag = command.index("--tag")
    del command[tag : tag + 2]
    try:
        with _serving(index) as address:
            values = {"BASE": BASE, "PIP_INDEX_URL": address}
            options = ["--quiet", "--network=host", f"--label={_OWNER_LABEL}={this_process()}"]
            options += [f"--build-arg={key}={value}" for key, value in values.items()]
            # the first stage with a name of its own, so that it can be removed
            for stage, target in zip(stages, (("--target", "build"), ()), strict=True):
                done = subprocess.run(
                    (*command, *options, *target, "--tag", stage, str(project)),
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, done.stderr
        yield Image(name)
    finally:
        for stage in reversed(stages):
            with suppress(subprocess.CalledProcessError):
                docker("image", "rm", stage)


def _require_base() -> None:
    try:
        require_image(BASE)
    except ServerError as error:
        reason = f"{error.message}; tests/deploy/base/build makes the base image"
        if CONTAINER_IS_REQUIRED:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


def _remove_abandoned() -> None:
    """Remove the images of runs on this machine that were killed."""
    names = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", _NAME).split()
    for name in names:
        with suppress(subprocess.CalledProcessError):
            (found,) = json.loads(docker("image", "inspect", name))
            owner = find_owner((found["Config"]["Labels"] or {}).get(_OWNER_LABEL, ""))
            if owner is not None and owner.is_gone:
                docker("image", "rm", name)


def _make_index(folder: Path) -> Path:
    """Make a package index of files: the wheel of this checkout, and what it needs."""
    wheels, index = folder / "wheels", folder / "index"
    _pip("wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT))
    (own,) = wheels.iterdir()
    tags = [f"--platform={name}_{platform.machine()}" for name in _PLATFORMS]
    only = ("--only-binary=:all:", f"--python-version={_PYTHON}", *tags)
    _pip("download", *only, "--dest", str(wheels), str(own))
    for wheel in wheels.iterdir():
        name = wheel.name.partition("-")[0].replace("_", "-").lower()
        (index / name).mkdir(parents=True, exist_ok=True)
        wheel.rename(index / name / wheel.name)
    return index


def _pip(*arguments: str) -> None:
    done = subprocess.run(
        (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    """Serve the folder as a package index; yields its address."""
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
