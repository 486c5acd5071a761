"""The image of docs/deploy/Dockerfile: what is in it, and how it runs and stops."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from safemigrate.server import Server
from safemigrate.server.owners import this_process
from tests.cli.streams import Process, connect, read_stream, wait_for
from tests.deploy.docker_image import BASE, Image, docker, shown
from tests.deploy.manifests import MANIFESTS, PAGE, migrate_container, pod_of
from tests.deploy.project import BUSY

pytestmark = pytest.mark.docker

JOB = MANIFESTS["job"]
MEGABYTE = 1_000_000
# Runs as itself in the image, to tell what is there.
LOOK = """
import json, os, shutil
tools = ("pip", "gcc", "cc", "make", "git", "curl")
walk = os.walk(".")
files = sorted(os.path.relpath(os.path.join(at, name)) for at, _, names in walk for name in names)
print(json.dumps({
    "uid": os.getuid(), "tools": [tool for tool in tools if shutil.which(tool)], "files": files,
    "writable": [at for at in ("/", "/app", "/opt/migrate", "/tmp") if os.access(at, os.W_OK)],
}))
"""


@dataclass(frozen=True, slots=True)
class Container:
    """A container that runs, and the command that shows what it writes."""

    name: str
    process: Process


Contain = Callable[..., Container]


@pytest.fixture
def shared_database(container_server: Server) -> Iterator[str]:
    """The URL, over TCP, of a new database that has the table BUSY."""
    name = container_server.create_database()
    address = make_url(container_server.url(name)).set(drivername="postgresql")
    url = address.render_as_string(hide_password=False)
    with connect(url) as session:
        session.execute(f"CREATE TABLE {BUSY} (id int)".encode())
    yield url
    container_server.drop_database(name)


@pytest.fixture
def contain(image: Image, shared_database: str) -> Iterator[Contain]:
    """Start a container as job.yaml has it, by the command of the page; it ends with the test."""
    started: list[Container] = []
    (*command, _), limits = shown("docker run"), migrate_container(JOB)
    variables = [one["name"] for one in limits["env"]]
    memory = limits["resources"]["limits"]["memory"].removesuffix("i").lower()
    labels = (
        "--label",
        "safemigrate=deploy-test",
        "--label",
        f"safemigrate.owner={this_process()}",
    )

    def contain(*arguments: str, entrypoint: str = "") -> Container:
        name = f"safemigrate-deploy-{token_hex(6)}"
        options = [*labels, "--name", name, "--network", "host", "--memory", memory]
        options += ["--entrypoint", entrypoint] if entrypoint else []
        process = subprocess.Popen(
            (*command, *options, image.name, *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **dict.fromkeys(variables, shared_database)},
        )
        started.append(Container(name, process))
        return started[-1]

    yield contain
    for container in started:
        if container.process.poll() is None:
            subprocess.run(("docker", "kill", container.name), capture_output=True, check=False)
        for stream in (container.process.stdout, container.process.stderr):
            if stream is not None:
                stream.close()
        container.process.wait(timeout=60)


def end(container: Container) -> tuple[int, str, str]:
    """Wait for the end; return the exit code and what was written since it was last read."""
    out, err = container.process.communicate(timeout=120)
    assert "Traceback" not in err
    return container.process.returncode, out, err


def job_arguments() -> list[str]:
    arguments: list[str] = migrate_container(JOB)["args"]
    return arguments


def test_it_has_what_it_runs_and_nothing_to_build_with(image: Image, contain: Contain) -> None:
    code, out, err = end(contain("-c", LOOK, entrypoint="python3"))

    assert code == 0, err
    assert json.loads(out) == {
        "uid": 65532,
        "tools": [],
        "files": ["alembic.ini", "migrations/env.py"]
        + [f"migrations/versions/{revision}_.py" for revision in ("0001", "0002")]
        + ["requirements.txt"],
        "writable": [],
    }
    config = image.inspect()["Config"]
    assert config["Entrypoint"] == ["safemigrate"]
    assert config["Healthcheck"] == {"Test": ["NONE"]}
    assert config["User"] == "65532:65532"


def test_it_is_as_small_as_the_page_says(image: Image) -> None:
    (base,) = json.loads(docker("image", "inspect", BASE))
    (stated,) = re.findall(r"adds about (\d+) MB to the base image", PAGE)

    added = (image.inspect()["Size"] - base["Size"]) / MEGABYTE

    assert added == pytest.approx(int(stated), rel=0.15)


def test_it_does_what_the_job_asks_for_and_says_so_line_by_line(contain: Contain) -> None:
    code, out, err = end(contain(*job_arguments()))
    assert code == 0, err
    last = read_stream(out)[-1]
    assert (last["event"], last["current"]) == ("finished", ["0002"])
    assert err == ""

    code, out, err = end(contain("status"))
    assert code == 0, err
    assert "up to date" in out
    assert "\x1b" not in out


def test_of_two_that_start_together_one_works_and_both_end_well(
    contain: Contain, shared_database: str
) -> None:
    with connect(shared_database, autocommit=False) as holder:
        holder.execute(f"SELECT FROM {BUSY}".encode())
        one = contain(*job_arguments())
        wait_for(one.process, "table_busy")
        two = contain(*job_arguments())
        ahead = wait_for(two.process, "runner_waited")["runner"]

    codes, streams = [], []
    for container in (one, two):
        code, out, err = end(container)
        codes.append((code, err))
        streams.append([json.loads(line) for line in out.splitlines()])

    assert codes == [(0, ""), (0, "")]
    assert [revisions_of(stream[-1]) for stream in streams] == [["0001", "0002"], []]
    assert ahead["application"].startswith("safemigrate")


def test_sigterm_stops_it_in_time_and_it_goes_on_from_there(
    contain: Contain, shared_database: str
) -> None:
    grace = pod_of(JOB)["terminationGracePeriodSeconds"]
    with connect(shared_database, autocommit=False) as holder:
        holder.execute(f"SELECT FROM {BUSY}".encode())
        container = contain(*job_arguments())
        wait_for(container.process, "table_busy")
        docker("stop", "--time", str(grace), container.name)
        code, out, err = end(container)
    assert code == 4, err
    assert "stopped by SIGTERM" in err
    assert revisions_of(json.loads(out.splitlines()[-1])) == ["0001"]

    code, out, err = end(contain(*job_arguments()))
    assert code == 0, err
    assert revisions_of(read_stream(out)[-1]) == ["0002"]


def test_without_an_init_sigterm_ends_it_as_soon_as_it_listens(
    contain: Contain, shared_database: str
) -> None:
    assert "--init" not in shown("docker run")
    with connect(shared_database, autocommit=False) as holder:
        # nothing but the signal ends it now
        holder.execute(f"SELECT FROM {BUSY}".encode())
        container = contain(*job_arguments())
        wait_until_it_listens(container)
        docker("kill", "--signal", "TERM", container.name)
        code, _, err = end(container)

    # the last two when it had come to its work before the signal was there
    assert code in {128 + signal.SIGTERM, 3, 4}, err


def wait_until_it_listens(container: Container) -> None:
    """Wait until process 1 of the container has asked for SIGTERM."""
    look = ("docker", "inspect", "--format", "{{.State.Pid}}", container.name)
    pid = "0"
    while pid in {"", "0"}:
        assert container.process.poll() is None
        pid = subprocess.run(look, capture_output=True, text=True, check=False).stdout.strip()
    caught = 0
    while not caught >> (signal.SIGTERM - 1) & 1:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        (mask,) = re.findall(r"^SigCgt:\s+(\w+)$", status, re.MULTILINE)
        caught = int(mask, 16)


def revisions_of(line: dict[str, Any]) -> list[str]:
    """Return the revisions that the last line of a stream says were applied."""
    return [one["revision"] for one in line["applied"]]
