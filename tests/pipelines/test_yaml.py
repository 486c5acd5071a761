"""What is shown and written for forges holds before those who check such files."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from safemigrate.cli.pipelines import make_gitlab_job, make_workflow
from tests.pipelines.actionlint import FOLDER, lint_workflows
from tests.pipelines.conftest import ROOT

ACTION = (ROOT / "action.yml").read_text(encoding="utf-8")
CI_PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
PAGE_YAML = re.findall(r"^```yaml\n(.*?)^```$", CI_PAGE, re.DOTALL | re.MULTILINE)

OWN = "safemigrate/safemigrate"
WORKFLOWS = {
    "at the top": make_workflow("", ()),
    "below": make_workflow("services/it's a shop", ("-c", "db/alembic.ini"), ("-r", "a b.txt")),
    "with variables": make_workflow("", (), (), ("APP_KEY", "DATABASE_URL")),
    "of a second project": make_workflow("web", (), name="safemigrate-services-web"),
    **{
        # the page names our own action by its release, which has no digest before there is one
        f"docs/ci.md {number}": text.replace(f"{OWN}@v0", f"{OWN}@{'0123456789' * 4} # v0")
        for number, text in enumerate(PAGE_YAML)
        if "runs-on:" in text
    },
}
JOBS = {
    "docs/ci.md": next(text for text in PAGE_YAML if "include:" in text),
    "template": (ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8"),
    "at the top": make_gitlab_job("", ()),
    "below": make_gitlab_job("services/it's a shop", ("-c", "db/alembic.ini"), ("./it's",)),
    "with variables": make_gitlab_job("", (), (), ("APP_KEY", "DATABASE_URL")),
    "of a second project": make_gitlab_job("web", (), name="safemigrate-services-web"),
}


def audit(*paths: Path) -> list[str]:
    """Return what zizmor finds in files, with what it has only a suspicion of."""
    program = Path(sys.executable).with_name("zizmor")
    command = [str(program), "--offline", "--no-config", "--persona=pedantic", "--format=json"]
    done = subprocess.run(
        [*command, "--strict-collection", *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("["), done.stderr
    return [one["ident"] for one in json.loads(done.stdout)]


def check_schema(name: str, *paths: Path) -> str:
    """Return what the published schema of a kind of file has against some."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{name}"]
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def write_all(texts: Mapping[str, str], folder: Path) -> list[Path]:
    """Write each text to a file of its own."""
    folder.mkdir(parents=True)
    paths = [folder / f"{number}.yml" for number in range(len(texts))]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


@pytest.fixture
def actionlint() -> None:
    if not FOLDER.is_dir():
        pytest.skip("actionlint is not here: make test-all fetches it")


def test_workflows_are_some(tmp_path: Path) -> None:
    paths = write_all(WORKFLOWS, tmp_path / ".github" / "workflows")

    assert check_schema("github-workflows", *paths) == ""
    assert audit(*paths) == []

    text = paths[0].read_text(encoding="utf-8")
    paths[0].write_text(text.replace("steps:", "step:"), encoding="utf-8")
    assert "step" in check_schema("github-workflows", paths[0])


@pytest.mark.usefixtures("actionlint")
def test_actionlint_has_nothing_against_workflows_and_the_action() -> None:
    # it reads workflows: the action is made one that is called, with the same inputs and steps
    action = yaml.safe_load(ACTION)
    given = {name: {"type": "string"} for name in action["inputs"]}
    job = {"runs-on": "ubuntu-latest", "steps": action["runs"]["steps"]}
    called = yaml.safe_dump({"on": {"workflow_call": {"inputs": given}}, "jobs": {"job": job}})
    bad = called.replace("inputs.token", "inputs.tokens")

    *found, found_in_bad = lint_workflows([*WORKFLOWS.values(), called, bad])

    assert found == [[]] * (len(WORKFLOWS) + 1)
    assert len(found_in_bad) == 1


def test_the_action_is_one(tmp_path: Path) -> None:
    path = tmp_path / "action.yml"
    path.write_text(ACTION, encoding="utf-8")

    assert check_schema("github-actions", path) == ""
    assert audit(path) == []

    path.write_text(ACTION.replace("$INPUT_VERSION", "${{ inputs.version }}"), encoding="utf-8")
    assert "template-injection" in audit(path)


def test_jobs_of_gitlab_are_some(tmp_path: Path) -> None:
    paths = write_all(JOBS, tmp_path / "jobs")
    assert check_schema("gitlab-ci", *paths) == ""

    text = paths[-1].read_text(encoding="utf-8")
    paths[-1].write_text(text.replace("script:", "scripts:"), encoding="utf-8")
    assert "scripts" in check_schema("gitlab-ci", paths[-1])
