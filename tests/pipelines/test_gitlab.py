"""The script of ci/gitlab.yml, run as GitLab runs them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from safemigrate.cli.pipelines import make_gitlab_job
from tests.pipelines.conftest import BAD, BAD_PLACE, ROOT, Change
from tests.pipelines.forges import TOKEN
from tests.pipelines.jobs import run_script

TEMPLATE = (ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8")
# An image without bash gets its script run by sh, as Debian's dash.
SH = ("sh", "-e")


def read_job(text: str) -> Mapping[str, Any]:
    (job,) = yaml.safe_load(text).values()
    assert isinstance(job, dict)
    return job


def run_job(change: Change, job: Mapping[str, Any], **variables: str) -> tuple[int, str]:
    """Return the exit code of a job of the merge request, and what it wrote."""
    assert {*variables} <= {*job["variables"]}, "no such variable"
    env = {name: value for name, value in change.env.items() if not name.startswith("GITHUB_")}
    env |= {
        "CI_API_V4_URL": change.forge.url,
        "CI_DEFAULT_BRANCH": "main",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": change.git("rev-parse", "main"),
        "CI_MERGE_REQUEST_IID": "12",
        "CI_MERGE_REQUEST_PROJECT_ID": "34",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "34",
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_PROJECT_DIR": str(change.path),
        "CI_PROJECT_ID": "34",
        "CI_COMMIT_SHA": change.git("rev-parse", "HEAD"),
        "GITLAB_CI": "true",
        "SAFEMIGRATE_GITLAB_TOKEN": TOKEN,
        **job["variables"],
        **variables,
    }
    script = "\n".join(job["script"])
    done = run_script(script, change.path, env, SH)
    return done.returncode, done.stdout + done.stderr


def test_an_unsafe_change_fails_and_is_in_the_reports(change: Change) -> None:
    job = read_job(TEMPLATE)
    (change.path / "requirements.txt").write_text("sqlalchemy\n", encoding="utf-8")
    change.propose(BAD)

    code, said = run_job(
        change,
        job,
        SAFEMIGRATE_REQUIREMENTS="-r ../requirements.txt",
        SAFEMIGRATE_FOLDER="db",
        SAFEMIGRATE_ARGS="--config ../alembic.ini --no-verify",
    )

    assert code == 1, said
    reports = job["artifacts"]["reports"]
    assert job["artifacts"]["when"] == "always"
    issues = json.loads((change.path / reports["codequality"]).read_text(encoding="utf-8"))
    (place,) = [one["location"] for one in issues]
    assert place["path"] == change.revision
    assert place["lines"]["begin"] == BAD_PLACE[0]
    assert "non-concurrent-index" in (change.path / reports["junit"]).read_text(encoding="utf-8")
    (comment,) = change.forge.comments
    assert "postgresql_concurrently=True" in comment["body"]
    assert "POST /projects/34/merge_requests/12/notes" in change.forge.asked


def test_requirements_that_are_not_there_end_the_job(change: Change) -> None:
    change.propose(BAD)

    code, said = run_job(change, read_job(TEMPLATE), SAFEMIGRATE_REQUIREMENTS="-r nothing.txt")

    assert code == 1
    assert "nothing.txt" in said
    assert change.forge.asked == []


def test_a_job_is_for_merge_requests_and_has_the_history() -> None:
    for text in (TEMPLATE, make_gitlab_job("a folder", ("-c", "b c"), ("-r", "d e"))):
        job = read_job(text)
        assert job["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "merge_request_event"'}]
        assert job["variables"]["GIT_DEPTH"] == "0"
        # one at a time for each request, and none that a push has made useless
        assert job["interruptible"] is True
        assert job["resource_group"] == "safemigrate-$CI_MERGE_REQUEST_IID"
        assert not Path(job["artifacts"]["reports"]["junit"]).is_absolute()
