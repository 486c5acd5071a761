"""Where the code of a run comes from is read from the pipeline, else from git."""

import subprocess
from pathlib import Path

import pytest

from safemigrate.execute.origin import find_origin_of_run, read_ci_environment


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"GITHUB_SHA": "a1", "GITHUB_RUN_ID": "7"}, ("a1", "7")),
        ({"CI_COMMIT_SHA": "b2", "CI_PIPELINE_ID": "8"}, ("b2", "8")),
        ({"BUILDKITE_COMMIT": "c3", "BUILDKITE_BUILD_ID": "9"}, ("c3", "9")),
        ({"CIRCLE_SHA1": "d4", "CIRCLE_WORKFLOW_ID": "10"}, ("d4", "10")),
        ({"GIT_COMMIT": "e5", "BUILD_TAG": "jenkins-x-11"}, ("e5", "jenkins-x-11")),
        ({"GITHUB_SHA": "", "PATH": "/bin"}, ("", "")),
    ],
)
def test_pipelines_are_known_by_their_variables(
    environ: dict[str, str], found: tuple[str, str]
) -> None:
    assert read_ci_environment(environ) == found


def test_without_a_pipeline_git_is_asked(tmp_path: Path) -> None:
    assert find_origin_of_run({}, tmp_path / "nothing").git_commit == ""
    git = ("git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run((*git, "init", "-q"), check=True)
    subprocess.run((*git, "commit", "-q", "--allow-empty", "-m", "first"), check=True)
    commit = find_origin_of_run({}, tmp_path).git_commit
    assert len(commit) == 40
    assert find_origin_of_run({"GITHUB_SHA": "a1"}, tmp_path).git_commit == "a1"
