"""docs/deploy/kubernetes/run-job.sh ends when the Job does, with its exit code and its log."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.manifests import DEPLOY, MANIFESTS, list_blocks

FOLDER = DEPLOY / "kubernetes"
NAME = MANIFESTS["job"]["metadata"]["name"]
# Says what a cluster would: the state of the Job is one line of a file at each look.
KUBECTL = f"""#!/usr/bin/env bash
echo "$*" >>"$CLUSTER/calls"
case "$*" in
"apply --filename job.yaml --output name") [ -f job.yaml ] && echo job.batch/{NAME} ;;
"get job.batch/{NAME} --output "*'.status.conditions'*)
    state=$(head -n 1 "$CLUSTER/states")
    [ "$(wc -l <"$CLUSTER/states")" = 1 ] || sed -i 1d "$CLUSTER/states"
    [ "$state" != away ] || exit 1
    echo -n "$state" ;;
"get pods --selector batch.kubernetes.io/job-name={NAME} "*waiting.reason*)
    cat "$CLUSTER/waiting" ;;
"get pods --selector batch.kubernetes.io/job-name={NAME} --sort-by "*exitCode*)
    cat "$CLUSTER/codes" ;;
"logs --selector batch.kubernetes.io/job-name={NAME} --container migrate --tail -1")
    echo "the log" ;;
*) echo "unknown: $*" >&2; exit 64 ;;
esac
"""


def run(
    folder: Path, *states: str, codes: str = "", waiting: str = "", limit: str = "60"
) -> subprocess.CompletedProcess[str]:
    """Run the command of the page in a cluster that has these states, one at each look."""
    (folder / "states").write_text("".join(f"{state}\n" for state in states), encoding="utf-8")
    for name, text in (("codes", codes), ("waiting", waiting), ("kubectl", KUBECTL)):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "kubectl").chmod(0o755)
    lines = [line for block in list_blocks("sh") for line in block.splitlines()]
    (command,) = (line for line in lines if line.startswith("./run-job.sh "))
    return subprocess.run(
        shlex.split(command),
        cwd=FOLDER,
        env={
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "CLUSTER": str(folder),
            "MIGRATE_POLL_SECONDS": "0",
            "MIGRATE_WAIT_SECONDS": limit,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_shellcheck_has_nothing_to_say() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed: apt-get install shellcheck")
    command = ("shellcheck", str(FOLDER / "run-job.sh"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_it_ends_with_a_job_that_is_complete(tmp_path: Path) -> None:
    done = run(tmp_path, "", "away", "SuccessCriteriaMet", "SuccessCriteriaMet Complete")

    assert (done.returncode, done.stdout) == (0, "the log\n")
    assert done.stderr == f"run-job: job.batch/{NAME} is complete\n"


@pytest.mark.parametrize(("codes", "code"), [("1", 1), ("3 4 2", 2), ("3 3", 3), ("", 1), ("0", 1)])
def test_it_ends_with_a_job_that_has_failed(tmp_path: Path, codes: str, code: int) -> None:
    done = run(tmp_path, "", "FailureTarget", "FailureTarget Failed", codes=codes)

    assert (done.returncode, done.stdout) == (code, "the log\n")
    assert done.stderr == f"run-job: job.batch/{NAME} has failed: exit code {code}\n"


def test_it_says_once_why_a_pod_does_not_start(tmp_path: Path) -> None:
    done = run(tmp_path, "", "", "", "Complete", waiting="ImagePullBackOff")

    assert done.stderr.splitlines() == [
        "run-job: a pod waits: ImagePullBackOff",
        f"run-job: job.batch/{NAME} is complete",
    ]


def test_it_ends_when_its_time_is_over_and_the_job_still_runs(tmp_path: Path) -> None:
    done = run(tmp_path, "", limit="0")

    assert (done.returncode, done.stdout) == (124, "the log\n")
    assert done.stderr == f"run-job: job.batch/{NAME} still runs after 0 s\n"


def test_it_waits_longer_than_the_job_may_take() -> None:
    script = (FOLDER / "run-job.sh").read_text(encoding="utf-8")
    (seconds,) = re.findall(r"MIGRATE_WAIT_SECONDS:-(\d+)", script)

    assert int(seconds) > MANIFESTS["job"]["spec"]["activeDeadlineSeconds"]
