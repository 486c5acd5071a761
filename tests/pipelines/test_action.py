"""The steps of action.yml, run as GitHub runs them for a pull request."""

import json
from pathlib import Path

import pytest

from safemigrate import __version__
from tests.pipelines.conftest import ACTION, BAD, BAD_PLACE, GOOD, INSTALL, JUDGE, Change
from tests.pipelines.jobs import Ran

SARIF_ACTION = "github/codeql-action/upload-sarif@"


def test_a_safe_change_is_judged_and_proved(change: Change) -> None:
    change.propose(GOOD)

    ran = change.run(INSTALL)

    assert ran.exit_code == 0, ran.stdout + ran.stderr
    assert ran.values["steps.judge.outputs.exit-code"] == "0"
    junit = Path(ran.values["steps.judge.outputs.junit"]).read_text(encoding="utf-8")
    assert "keeps-rows" in junit or "restores" in junit
    (comment,) = change.forge.comments
    assert "0002" in comment["body"]
    assert "SHARE UPDATE EXCLUSIVE" in comment["body"]
    assert "0002" in Path(change.env["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8")
    # nothing goes to code scanning unless it is asked for
    assert [name.partition("@")[0] for name, _ in ran.used] == ["actions/setup-python"]


def test_an_unsafe_change_fails_and_is_told_everywhere(change: Change) -> None:
    change.propose(BAD)

    ran = change.run(INSTALL, verify="false", sarif="true")

    assert ran.exit_code == 1, ran.stdout + ran.stderr
    line, column = BAD_PLACE
    annotation = f"::error file={change.revision},line={line},"
    assert any(one.startswith(annotation) for one in ran.stdout.splitlines())
    # the upload runs although the step before it failed
    name, given = ran.used[-1]
    assert name.startswith(SARIF_ACTION)
    assert given["sarif_file"] == ran.values["steps.judge.outputs.sarif"]
    results = json.loads(Path(given["sarif_file"]).read_text(encoding="utf-8"))["runs"][0][
        "results"
    ]
    (place,) = [one["locations"][0]["physicalLocation"] for one in results]
    assert place["artifactLocation"]["uri"] == change.revision
    assert (place["region"]["startLine"], place["region"]["startColumn"]) == (line, column)
    assert "postgresql_concurrently=True" in change.forge.comments[0]["body"]

    # the next push rewrites the comment
    change.propose(GOOD)
    assert change.run(INSTALL, verify="false").exit_code == 0
    (comment,) = change.forge.comments
    assert "non-concurrent-index" not in comment["body"]


def test_what_was_asked_for_reaches_the_command(change: Change) -> None:
    (change.path / "alembic.ini").rename(change.path / "db" / "shop.ini")
    text = (change.path / "db" / "shop.ini").read_text(encoding="utf-8")
    (change.path / "db" / "shop.ini").write_text(text.replace("/db", ""), encoding="utf-8")
    change.git("add", "--all")
    change.git("commit", "--quiet", "-m", "moved")
    change.propose(BAD)

    ran = change.run(
        INSTALL,
        working_directory="db",
        config="shop.ini",
        comment="false",
        verify="false",
        args="--pg-version 16\n  --strict",
        python_version="",
    )

    assert ran.exit_code == 1, ran.stdout + ran.stderr
    assert f"file={change.revision}," in ran.stdout
    assert change.forge.asked == []
    assert ran.used == []


def test_without_a_comment_the_step_has_no_token() -> None:
    (judge,) = [one for one in ACTION["runs"]["steps"] if one.get("id") == "judge"]
    tokens = {
        comment: Ran({"inputs.comment": comment, "inputs.token": "x"}).fill(
            judge["env"]["GITHUB_TOKEN"]
        )
        for comment in ("true", "false")
    }

    assert tokens == {"true": "x", "false": ""}


def test_an_input_is_never_run(change: Change) -> None:
    change.propose(GOOD)

    ran = change.run(INSTALL, config="$(touch run-1)`touch run-2`", args="; touch run-3")

    assert ran.exit_code == 2
    assert not list(change.path.rglob("run-*"))


@pytest.mark.parametrize("switch", ["verify", "comment", "sarif"])
def test_a_switch_that_is_none_is_refused(change: Change, switch: str) -> None:
    change.propose(GOOD)

    ran = change.run(INSTALL, **{switch: "no"})

    assert ran.exit_code == 2
    assert f"::error::the input {switch}=no is neither true nor false" in ran.stdout


def test_a_token_that_may_only_read_changes_nothing_else(change: Change) -> None:
    change.forge.may_write = False
    change.propose(GOOD)

    ran = change.run(INSTALL, verify="false")

    assert ran.exit_code == 0, ran.stdout + ran.stderr
    assert "pull-requests: write" in ran.stdout + ran.stderr
    assert "0002" in Path(change.env["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8")


def test_a_release_and_requirements_are_installed(change: Change) -> None:
    change.path.joinpath("requirements.txt").write_text("sqlalchemy\n", encoding="utf-8")

    # the release is the one that is there already
    ran = change.run(JUDGE, requirements="-r requirements.txt", version=__version__)

    assert ran.exit_code == 0, ran.stderr


def test_requirements_that_are_not_there_end_the_job(change: Change) -> None:
    ran = change.run(requirements="-r nothing.txt")

    assert ran.exit_code == 1
    assert "nothing.txt" in ran.stderr
    assert "steps.judge.outputs.exit-code" not in ran.values


def test_every_output_is_one_of_a_step() -> None:
    (judge,) = [one for one in ACTION["runs"]["steps"] if one.get("id") == "judge"]

    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.judge.outputs.{name} }}}}"
        assert f'echo "{name}=' in judge["run"]
