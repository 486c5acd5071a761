"""What is released: built once a session, and installed where nothing else is."""

import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from build import ProjectBuilder
from build.env import DefaultIsolatedEnv

from tests.release.environments import Environment, make_environment

ROOT = Path(__file__).parents[2]
# 1 January 2024; any will do
EPOCH = "1704067200"


@dataclass(frozen=True, slots=True)
class Release:
    """The files of a release, each made twice: out of the repository, and out of the sdist."""

    wheel: Path
    sdist: Path
    unpacked: Path
    wheel_of_sdist: Path
    sdist_again: Path


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """What `make dist` builds, in the same way: with what build-system.requires and no more."""
    folder = tmp_path_factory.mktemp("release")
    with pytest.MonkeyPatch.context() as patch, DefaultIsolatedEnv(installer="pip") as isolated:
        patch.setenv("SOURCE_DATE_EPOCH", EPOCH)
        builder = ProjectBuilder.from_isolated_env(isolated, ROOT, runner=_run_quietly)
        isolated.install(builder.build_system_requires)
        isolated.install(builder.get_requires_for_build("wheel"))
        sdist = Path(builder.build("sdist", folder / "first"))
        wheel = Path(builder.build("wheel", folder / "first"))
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        unpacked = folder / sdist.name.removesuffix(".tar.gz")
        again = ProjectBuilder.from_isolated_env(isolated, unpacked, runner=_run_quietly)
        return Release(
            wheel,
            sdist,
            unpacked,
            wheel_of_sdist=Path(again.build("wheel", folder / "second")),
            sdist_again=Path(again.build("sdist", folder / "second")),
        )


def _run_quietly(
    cmd: Sequence[str],
    cwd: str | None = None,
    extra_environ: Mapping[str, str] | None = None,
) -> None:
    environment = {**os.environ, **(extra_environ or {})}
    done = subprocess.run(
        cmd, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment with the wheel, and what was so before anything else was put there.

    `refusals`: what was said without an extra, by its name.
    """

    environment: Environment
    distributions: frozenset[str]
    refusals: dict[str, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def installed(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """What `pip install safemigrate` gives; a later fixture may add extras to it."""
    environment = make_environment(Path(sys.executable), tmp_path_factory.mktemp("plain"))
    environment.install(str(release.wheel))
    return Installed(
        environment,
        environment.list_distributions(),
        {
            server: environment.run("verify", "--server", server, folder=ROOT / "docs" / "example")
            for server in ("embedded", "container")
        }
        | {"style": environment.run("lint", "--style", folder=ROOT / "docs" / "example")},
    )


@pytest.fixture(scope="session")
def extended(installed: Installed, release: Release) -> Environment:
    """The same with the extras that a developer has."""
    installed.environment.install(f"{release.wheel}[embedded,style]")
    return installed.environment
