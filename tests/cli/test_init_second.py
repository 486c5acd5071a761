"""Adopting a project where something of safemigrate is there, for it or for another one."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import ALEMBIC_INI, ENV_PY, Git, ProjectFolder, Run

ROOT = Path(__file__).parents[2]
HOOKS = ".pre-commit-config.yaml"
WORKFLOWS = ".github/workflows"
GITLAB = ".gitlab-ci.yml"
FIRST, SECOND = "services/api svc", "services/web"

PULL_REQUEST = "safemigrate pull-request"

# A hook, a workflow and a job that are no reason to do without those of services/web.
OTHER_HOOKS = {
    "of another": {"entry": "sh -c 'cd other && exec safemigrate lint --staged'"},
    "of another configuration": {"entry": "safemigrate lint --config=other/alembic.ini"},
    "of the top": {"entry": "safemigrate lint --staged"},
    "of SQL": {"entry": "safemigrate lint --staged --schema a.sql", "args": ["changes"]},
    "verify": {"entry": "safemigrate verify -c services/web/alembic.ini"},
    "manual": {"entry": "safemigrate lint -c services/web/alembic.ini", "stages": ["manual"]},
    "said": {"entry": "echo safemigrate lint -c services/web/alembic.ini"},
}
OUR_HOOKS = {
    "configuration": {"entry": "safemigrate lint -c services/web/alembic.ini"},
    "argument": {"entry": "uv run safemigrate lint", "args": ["--config=services/web/alembic.ini"]},
    "folder": {"entry": "bash -ec 'cd services && cd web; safemigrate lint --staged \"$@\"'"},
    "option": {"entry": "uv --directory services/web run safemigrate lint --staged"},
    "path": {"entry": "safemigrate lint --staged --strict services/web/migrations/versions"},
    "only one below": {"entry": "sh -c 'cd services/.. && cd ./services; safemigrate lint'"},
}


def step(run: str, **more: object) -> Mapping[str, object]:
    return {"run": run, **more}


OTHER_STEPS = {
    "upgrade": step("safemigrate upgrade -c services/web/alembic.ini"),
    "lint": step("cd services/web && safemigrate lint"),
    "comment": step(f"true # cd services/web && {PULL_REQUEST}"),
    "said": step(f"echo {PULL_REQUEST} -c services/web/alembic.ini"),
    "of another": step(PULL_REQUEST, **{"working-directory": "other"}),
    "folder left": step(f"(cd services/web && make) && {PULL_REQUEST}"),
    "action of another": {"uses": "safemigrate/safemigrate@v0", "with": {"config": "a.ini"}},
}
OUR_STEPS = {
    "folder": step(PULL_REQUEST, **{"working-directory": "services/web"}),
    "lines": step(f"set -e\ncd services/web  # there\n{PULL_REQUEST} \\\n  --no-verify"),
    "top": step(f'cd "$GITHUB_WORKSPACE/services/web"; python -m {PULL_REQUEST}'),
    "variable": step(f"{PULL_REQUEST} -c $INI", env={"INI": "services/web/alembic.ini"}),
    "subshell": step(f"(cd other) && {PULL_REQUEST} -c services/web/alembic.ini > out"),
    "action": {
        "uses": "safemigrate/safemigrate@v0",
        "with": {"working-directory": "services/web"},
    },
    "action's configuration": {
        "uses": "safemigrate/safemigrate@v0",
        "with": {"config": "services/web/alembic.ini"},
    },
}
REMOTE = {"include": [{"remote": "https://example.org/safemigrate/v1/ci/gitlab.yml"}]}
OTHER_JOBS = {
    "comment": "# TODO: try safemigrate\n",
    "upgrade": "deploy: {script: [safemigrate upgrade -c services/web/alembic.ini]}\n",
    "of another": f"a: {{script: [cd other, {PULL_REQUEST}]}}\n",
    "template of another": yaml.safe_dump(
        {**REMOTE, "safemigrate": {"variables": {"SAFEMIGRATE_FOLDER": "other"}}}
    ),
}
OUR_JOBS = {
    "tag": f"a: {{script: [!reference [.b, script], cd services/web, {PULL_REQUEST}]}}\n",
    "folder": f"a: {{before_script: [cd $CI_PROJECT_DIR/services/web], script: {PULL_REQUEST}}}\n",
    "template": yaml.safe_dump(
        {**REMOTE, "safemigrate": {"variables": {"SAFEMIGRATE_FOLDER": "services/web"}}}
    ),
    "extended": yaml.safe_dump(
        {
            **REMOTE,
            "safemigrate": {"variables": {"SAFEMIGRATE_FOLDER": "other"}},
            "web": {
                "extends": "safemigrate",
                "variables": {
                    "SAFEMIGRATE_FOLDER": ".",
                    "SAFEMIGRATE_ARGS": "-c services/web/alembic.ini",
                },
            },
        }
    ),
    "included": "include: /ci/ours.yml\n",
    "copied": yaml.safe_dump(
        {
            "include": [{"local": "ci/gitlab.yml"}],
            "safemigrate": {"variables": {"SAFEMIGRATE_FOLDER": "services/web"}},
        }
    ),
}


@pytest.fixture
def mono(folder: ProjectFolder, git: Git) -> ProjectFolder:
    """A repository on GitHub with three projects, none of them at its top."""
    for place in (FIRST, SECOND, "other"):
        folder.write(f"{place}/alembic.ini", ALEMBIC_INI)
        folder.write(f"{place}/migrations/env.py", ENV_PY)
        (folder.path / place / "migrations" / "versions").mkdir()
    (folder.path / "alembic.ini").unlink()
    folder.write("changes/1.sql", "SELECT 1;\n")
    (folder.path / WORKFLOWS).mkdir(parents=True)
    git("init", "-b", "main")
    return folder


def adopt(run: Run, place: str = SECOND) -> str:
    result = run("init", "-c", f"{place}/alembic.ini")
    assert result.exit_code == 0, result.output
    return result.stdout


def workflow_of(*steps: Mapping[str, Any]) -> str:
    return yaml.safe_dump({"on": "push", "jobs": {"a": {"steps": [*steps]}}})


def list_hooks(folder: ProjectFolder) -> list[Mapping[str, Any]]:
    repositories = yaml.safe_load(folder.read(HOOKS))["repos"]
    return [hook for one in repositories for hook in one["hooks"]]


def write_hook(folder: ProjectFolder, hook: Mapping[str, Any]) -> None:
    hooks = [{"id": "ours", "name": "a", "language": "system", **hook}]
    folder.write(HOOKS, yaml.safe_dump({"repos": [{"repo": "local", "hooks": hooks}]}))


def test_each_project_of_a_repository_has_a_hook_and_a_workflow(
    mono: ProjectFolder, run: Run, git: Git
) -> None:
    adopt(run, FIRST)
    before = {name: mono.read(name) for name in (HOOKS, f"{WORKFLOWS}/safemigrate.yml")}
    said = adopt(run)

    assert mono.read(HOOKS).startswith(before[HOOKS])
    assert mono.read(f"{WORKFLOWS}/safemigrate.yml") == before[f"{WORKFLOWS}/safemigrate.yml"]
    assert f"  {WORKFLOWS}/safemigrate-services-web.yml " in said
    assert [one["name"] for one in list_hooks(mono)] == [
        "safemigrate lint",
        "safemigrate lint services/web",
    ]
    names = ("safemigrate", "safemigrate-services-web")
    workflows = [yaml.safe_load(mono.read(f"{WORKFLOWS}/{name}.yml")) for name in names]
    # runs of the same group cancel each other, and a required check is known by its job's name
    assert len({one["concurrency"]["group"] for one in workflows}) == 2
    assert len({one["jobs"]["safemigrate"]["name"] for one in workflows}) == 2
    # each of them judges its own project
    mono.write(f"{SECOND}/migrations/versions/a.py", BAD)
    git("add", ".")
    first, second = (run_hook(one, mono.path) for one in list_hooks(mono))
    assert (first.returncode, second.returncode) == (0, 1), second.stderr
    for place in (FIRST, SECOND):
        assert "Nothing to write: this project uses safemigrate already." in adopt(run, place)


BAD = """
from alembic import op

revision = "a"
down_revision = None


def upgrade():
    op.execute("CREATE TABLE a (b int)")
    op.execute("ALTER TABLE known ADD c int NOT NULL")


def downgrade():
    op.execute("DROP TABLE a")
"""


def run_hook(hook: Mapping[str, str], folder: Path) -> "subprocess.CompletedProcess[str]":
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", hook["entry"]],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("hook", OTHER_HOOKS.values(), ids=OTHER_HOOKS)
def test_a_hook_that_does_not_judge_the_project_is_none(
    mono: ProjectFolder, run: Run, hook: Mapping[str, Any]
) -> None:
    write_hook(mono, hook)

    adopt(run)

    assert len(list_hooks(mono)) == 2


@pytest.mark.parametrize("hook", OUR_HOOKS.values(), ids=OUR_HOOKS)
def test_a_hook_that_judges_the_project_is_kept(
    mono: ProjectFolder, run: Run, hook: Mapping[str, Any]
) -> None:
    (mono.path / FIRST / "alembic.ini").unlink()
    write_hook(mono, hook)

    assert "the hook is there" in adopt(run)
    assert len(list_hooks(mono)) == 1


def test_the_published_hook_is_one_and_the_one_that_proves_is_not(
    folder: ProjectFolder, run: Run, git: Git
) -> None:
    git("init", "-b", "main")
    repository = {"repo": "https://github.com/safemigrate/safemigrate", "rev": "v0.1.0"}
    verify, lint = {"id": "safemigrate-verify"}, {"id": "safemigrate-lint"}
    folder.write(HOOKS, yaml.safe_dump({"repos": [{**repository, "hooks": [verify]}]}))
    assert "a hook that judges what is staged" in run("init").stdout
    folder.write(HOOKS, yaml.safe_dump({"repos": [{**repository, "hooks": [lint]}]}))
    assert "the hook is there" in run("init").stdout


@pytest.mark.parametrize(
    "script", ['sh -c "cd $PLACE; safemigrate lint"', "safemigrate lint -c $A"]
)
def test_a_hook_that_cannot_be_read_is_asked_about(
    mono: ProjectFolder, run: Run, script: str
) -> None:
    write_hook(mono, {"entry": script})

    said = adopt(run)

    assert "add this hook to its repos, unless one that is there judges services/web" in said
    assert "- repo: local" in said
    assert len(list_hooks(mono)) == 1


@pytest.mark.parametrize("step", OTHER_STEPS.values(), ids=OTHER_STEPS)
@pytest.mark.parametrize("name", ["safemigrate.yml", "other.yaml"])
def test_a_workflow_that_does_not_judge_the_project_is_none(
    mono: ProjectFolder, run: Run, step: Mapping[str, Any], name: str
) -> None:
    text = workflow_of(step)
    mono.write(f"{WORKFLOWS}/{name}", text)

    adopt(run)

    assert mono.read(f"{WORKFLOWS}/{name}") == text
    (written,) = {one.name for one in (mono.path / WORKFLOWS).iterdir()} - {name}
    assert written in {"safemigrate.yml", "safemigrate-services-web.yml"}
    assert "working-directory: services/web" in mono.read(f"{WORKFLOWS}/{written}") or (
        "-c services/web/alembic.ini" in mono.read(f"{WORKFLOWS}/{written}")
    )


@pytest.mark.parametrize("step", OUR_STEPS.values(), ids=OUR_STEPS)
def test_a_workflow_that_judges_the_project_is_kept(
    mono: ProjectFolder, run: Run, step: Mapping[str, Any]
) -> None:
    mono.write(f"{WORKFLOWS}/ours.yml", workflow_of({"uses": "actions/checkout@v4"}, step))

    assert "the workflow is there" in adopt(run)
    assert len([*(mono.path / WORKFLOWS).iterdir()]) == 1


def test_the_folder_that_a_workflow_runs_in_by_default_counts(
    mono: ProjectFolder, run: Run
) -> None:
    workflow = yaml.safe_load(workflow_of(step(PULL_REQUEST)))
    workflow["defaults"] = {"run": {"working-directory": "services/web"}}
    mono.write(f"{WORKFLOWS}/ours.yml", yaml.safe_dump(workflow))

    assert "the workflow is there" in adopt(run)


def test_a_workflow_for_any_project_is_asked_about(mono: ProjectFolder, run: Run) -> None:
    each = step(PULL_REQUEST, **{"working-directory": "${{ matrix.project }}"})
    mono.write(f"{WORKFLOWS}/safemigrate.yml", workflow_of(each))

    said = adopt(run)

    path = f"{WORKFLOWS}/safemigrate-services-web.yml"
    assert f"By hand, in {path}: put this workflow there, unless " in said
    assert '"safemigrate.yml" judges services/web' in said
    assert not (mono.path / path).exists()


def test_nothing_that_is_there_is_written_over(mono: ProjectFolder, run: Run) -> None:
    taken = ("safemigrate.yml", "safemigrate-services-web.yml")
    for name in taken:
        mono.write(f"{WORKFLOWS}/{name}", "# safemigrate, one day\n")

    adopt(run)

    assert {mono.read(f"{WORKFLOWS}/{name}") for name in taken} == {"# safemigrate, one day\n"}
    assert (mono.path / WORKFLOWS / "safemigrate-services-web-2.yml").is_file()


@pytest.mark.parametrize("text", OTHER_JOBS.values(), ids=OTHER_JOBS)
def test_a_job_that_does_not_judge_the_project_is_none(
    mono: ProjectFolder, run: Run, text: str
) -> None:
    mono.write(GITLAB, text)

    said = adopt(run)

    assert f"By hand, in {GITLAB}: add this job" in said
    name = "safemigrate-services-web" if "other" in text else "safemigrate"
    assert f"    {name}:\n      image: " in said
    assert f"resource_group: {name}-$CI_MERGE_REQUEST_IID" in said


@pytest.mark.parametrize(
    "text",
    ["a: &x {script: &y [*y]}\n", "a: [\n", "include: 3\nb: {extends: [1, {}], script: {}}\n"],
)
def test_what_is_no_configuration_stops_nothing(mono: ProjectFolder, run: Run, text: str) -> None:
    for name in (GITLAB, HOOKS, f"{WORKFLOWS}/other.yml"):
        mono.write(name, text)

    said = adopt(run)

    assert f"By hand, in {GITLAB}: add this job" in said
    assert "unless" not in said
    assert (mono.path / WORKFLOWS / "safemigrate.yml").is_file()


@pytest.mark.parametrize("text", OUR_JOBS.values(), ids=OUR_JOBS)
def test_a_job_that_judges_the_project_is_kept(mono: ProjectFolder, run: Run, text: str) -> None:
    mono.write("ci/ours.yml", f"a: {{script: [cd services/web, {PULL_REQUEST}]}}\n")
    mono.write("ci/gitlab.yml", (ROOT / "ci" / "gitlab.yml").read_text("utf-8"))
    mono.write(GITLAB, text)

    said = adopt(run)

    assert "the job is there" in said
    assert "By hand" not in said


def test_what_is_left_by_hand_is_not_called_done(mono: ProjectFolder, run: Run) -> None:
    adopt(run)
    mono.write(GITLAB, "stages: [test]\n")

    assert adopt(run).endswith("Nothing to write: what is left is by hand.\n")
