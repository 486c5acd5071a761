"""Adopting a project: what is written, what is left alone, and what is said."""

import json
import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from click.testing import Result

from tests.cli.conftest import ENV_PY, Git, ProjectFolder, Run

TABLE = 'op.create_table("recipe", sa.Column("id", sa.BigInteger(), primary_key=True))'
INDEX = 'op.create_index("{}_idx", "recipe", ["id"])'
UNDO = """\
with op.get_context().autocommit_block():
    op.drop_index("{}_idx", postgresql_concurrently=True)
"""
RULE = "non-concurrent-index"
HOOKS = ".pre-commit-config.yaml"
WORKFLOW = ".github/workflows/safemigrate.yml"
BASELINE = "safemigrate-baseline.json"

# It does not need the URL of alembic.ini.
OWN_ENV_PY = ENV_PY.replace(
    'context.config.get_main_option("sqlalchemy.url")',
    '"postgresql+psycopg://nobody@localhost:1/n"',
)

FLASK_ENV_PY = """\
from alembic import context
from flask_of_nowhere import current_app

engine = current_app.extensions["migrate"].db.engine
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

EXISTING_HOOKS = {
    "no indent": """\
repos:
- repo: local
  hooks:
  - id: a
    name: a
    entry: a
    language: system
""",
    "four, and no end of line": """\
# ours
fail_fast: true
repos:
    - repo: https://example.org/a
      rev: '1'
      hooks: [{id: a}]   # the end""",
    "CRLF": "repos:\r\n  - repo: https://example.org\r\n    rev: v1\r\n    hooks: []\r\n",
    "block scalar": """\
repos:
  - repo: local
    hooks:
      - id: é
        entry: |
          a


# end
""",
}


def add_index(folder: ProjectFolder, revision: str, after: str) -> str:
    return folder.revise(revision, INDEX.format(revision), UNDO.format(revision), after=after)


def files_of(folder: Path) -> Mapping[str, bytes]:
    """Return what there is, but for what git and Python keep for themselves."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not {".git", "__pycache__"} & {*path.parts}
    }


def hook_of(path: Path) -> Mapping[str, str]:
    """Return the hook that was written, without what is no text."""
    repositories = yaml.safe_load(path.read_text("utf-8"))["repos"]
    (hook,) = [
        hook
        for repository in repositories
        for hook in repository["hooks"]
        if hook["id"] == "safemigrate-lint"
    ]
    assert hook.pop("pass_filenames") is False
    assert hook.pop("always_run") is True
    return {str(key): str(value) for key, value in hook.items()}


def read_row(result: Result, label: str) -> str:
    (line,) = [one for one in result.stdout.splitlines() if one.startswith(f"  {label} ")]
    return line.removeprefix(f"  {label}").strip()


def run_on_path(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line as pre-commit does, with safemigrate on PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        shlex.split(command),
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def steps_of(path: Path) -> list[Mapping[str, str]]:
    """Return the steps of the workflow that run commands."""
    (job,) = yaml.safe_load(path.read_text("utf-8"))["jobs"].values()
    return [one for one in job["steps"] if "run" in one]


def commit_of(name: str) -> str:
    command = ("git", "rev-parse", name)
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def run_for_pull_request(
    command: str, folder: Path, files: Path
) -> subprocess.CompletedProcess[str]:
    """Run a command as GitHub does for a pull request of what is new on HEAD since main."""
    commits = {"base": "main", "head": "HEAD"}
    ends = {end: {"sha": commit_of(name), "ref": end} for end, name in commits.items()}
    event = files / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 1, **ends}}), "utf-8")
    settings = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REPOSITORY": "somebody/something",
    }
    words = " ".join(shlex.quote(f"{name}={value}") for name, value in settings.items())
    return run_on_path(f"env {words} sh -c {shlex.quote(command)}", folder)


@pytest.fixture
def adopter(folder: ProjectFolder) -> ProjectFolder:
    """A project whose second revision has an error finding."""
    folder.revise("aaaa", TABLE, 'op.drop_table("recipe")')
    add_index(folder, "bbbb", after="aaaa")
    return folder


@pytest.fixture
def tracked(adopter: ProjectFolder, git: Git) -> ProjectFolder:
    """The same in a repository on GitHub, with all of it committed."""
    git("init", "-b", "main")
    git("remote", "add", "origin", "git@github.com:somebody/something.git")
    git("add", ".")
    git("commit", "-m", "first")
    return adopter


def test_everything_is_written_and_lint_is_green(tracked: ProjectFolder, run: Run) -> None:
    before = files_of(tracked.path)
    assert run("lint").exit_code == 1
    result = run("init")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    after = files_of(tracked.path)
    new = {"safemigrate.toml", HOOKS, WORKFLOW, BASELINE}
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == new
    assert all(name in result.stdout for name in new)
    assert tomllib.loads(after["safemigrate.toml"].decode()) == {"baseline": BASELINE}
    assert RULE in after[BASELINE].decode()
    assert f"  {BASELINE} " in result.stdout
    assert "the findings there are: 1 error" in result.stdout
    assert run("lint").exit_code == 0
    add_index(tracked, "cccc", after="bbbb")
    assert run("lint").exit_code == 1


def test_what_was_found_is_told(tracked: ProjectFolder, run: Run) -> None:
    tracked.revise("cccc", "raise ValueError('no luck')", after="bbbb")
    tracked.revise("dddd", "pass", after="bbbb")
    result = run("init")
    assert result.exit_code == 0, result.output
    assert read_row(result, "revisions") == '4, 2 heads: "cccc", "dddd"'
    assert read_row(result, "server").startswith("not known; judged for PostgreSQL 14")
    assert read_row(result, "findings").startswith("1 error")
    assert "no luck" in result.stdout
    assert "migrations/versions/cccc.py:" in result.stdout


def test_a_long_list_of_what_was_not_judged_is_cut(tracked: ProjectFolder, run: Run) -> None:
    previous = "bbbb"
    for number in range(8):
        tracked.revise(f"bad{number}", "raise ValueError('no luck')", after=previous)
        previous = f"bad{number}"
    result = run("init", "--dry-run")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("no luck") == 5
    assert "    and 3 more" in result.stdout


def test_a_second_run_changes_nothing_and_says_so(tracked: ProjectFolder, run: Run) -> None:
    assert run("init").exit_code == 0
    before = files_of(tracked.path)
    # what is new since is not for the baseline
    add_index(tracked, "cccc", after="bbbb")
    result = run("init")
    assert result.exit_code == 0, result.output
    assert "Nothing to write: this project uses safemigrate already." in result.stdout
    assert "Written:" not in result.stdout
    row = read_row(result, "findings")
    assert row.startswith("1 error")
    assert row.endswith(" more in the baseline")
    assert {name: files_of(tracked.path)[name] for name in before} == before


def test_a_dry_run_shows_what_it_would_write(tracked: ProjectFolder, run: Run) -> None:
    before = files_of(tracked.path)
    result = run("init", "--dry-run")
    assert result.exit_code == 0, result.output
    assert files_of(tracked.path) == before
    assert "Would write:" in result.stdout
    for text in (f'baseline = "{BASELINE}"', "entry: safemigrate lint --staged", "fetch-depth: 0"):
        assert text in result.stdout


def test_without_a_baseline_lint_goes_on_to_report(tracked: ProjectFolder, run: Run) -> None:
    assert run("init", "--no-baseline").exit_code == 0
    assert not (tracked.path / BASELINE).exists()
    assert run("lint").exit_code == 1
    before = files_of(tracked.path)
    assert "Nothing to write" in run("init", "--no-baseline").stdout
    assert files_of(tracked.path) == before


def test_the_hook_judges_what_is_staged(tracked: ProjectFolder, run: Run, git: Git) -> None:
    assert run("init").exit_code == 0
    hook = hook_of(tracked.path / HOOKS)
    assert hook["language"] == "system"
    assert "files" not in hook
    assert run_on_path(hook["entry"], tracked.path).returncode == 0
    git("add", add_index(tracked, "cccc", after="bbbb"))
    done = run_on_path(hook["entry"], tracked.path)
    assert done.returncode == 1, done.stderr
    assert RULE in done.stdout


def test_the_hook_of_a_project_below_the_top(
    folder: ProjectFolder,
    run: Run,
    git: Git,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    inner = ProjectFolder(folder.path / "it's a service é")
    inner.path.mkdir()
    for name in ("alembic.ini", "migrations"):
        (folder.path / name).rename(inner.path / name)
    # counted from the current directory
    inner.write("alembic.ini", "[alembic]\nscript_location = migrations\n")
    inner.write(
        "migrations/env.py",
        OWN_ENV_PY,
    )
    inner.revise("aaaa", TABLE, 'op.drop_table("recipe")')
    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "first")
    (folder.path / ".github").mkdir()
    monkeypatch.chdir(inner.path)
    result = run("init")
    assert result.exit_code == 0, result.output
    assert (inner.path / "safemigrate.toml").is_file()
    hook = hook_of(folder.path / HOOKS)
    path = "it's a service é/migrations/versions/bbbb.py"
    git("add", add_index(inner, "bbbb", after="aaaa"))
    done = run_on_path(hook["entry"], folder.path)
    assert done.returncode == 1, done.stderr
    assert RULE in done.stdout
    assert "safemigrate lint\n" in result.stdout
    *_, step = steps_of(folder.path / WORKFLOW)
    assert step["working-directory"] == inner.path.name
    git("checkout", "-b", "change")
    git("commit", "-m", "second", "--no-verify")
    command = f"{step['run']} --no-verify --no-comment"
    # GitHub counts the paths of a report from the top
    judged = run_for_pull_request(command, inner.path, tmp_path_factory.mktemp("job"))
    assert judged.stdout.startswith(f"::error file={path},"), judged.stderr
    inner.write("safemigrate.toml", 'ignore = ["non-concurrent-index"]\n')
    again = run_for_pull_request(command, inner.path, tmp_path_factory.mktemp("job"))
    assert again.returncode == 0


def test_a_configuration_that_is_not_found_from_the_top_is_run_where_it_is(
    folder: ProjectFolder, run: Run, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = folder.path / "services" / "shop"
    (inner / "database").mkdir(parents=True)
    for name in ("alembic.ini", "migrations"):
        (folder.path / name).rename(inner / "database" / name)
    shop = ProjectFolder(inner)
    shop.write("pyproject.toml", '[tool.safemigrate]\nignore = ["non-concurrent-index"]\n')
    git("init", "-b", "main")
    (folder.path / ".github").mkdir()
    monkeypatch.chdir(inner)
    result = run("init", "-c", "database/alembic.ini")
    assert result.exit_code == 0, result.output
    *_, step = steps_of(folder.path / WORKFLOW)
    assert step["working-directory"] == "services/shop"
    assert step["run"].endswith(" -c database/alembic.ini")
    entry = hook_of(folder.path / HOOKS)["entry"]
    assert "cd services/shop && exec safemigrate lint --staged -c database/alembic.ini" in entry


@pytest.mark.parametrize("existing", EXISTING_HOOKS.values(), ids=EXISTING_HOOKS)
def test_the_hook_is_put_behind_those_there_are(
    tracked: ProjectFolder, run: Run, existing: str
) -> None:
    path = tracked.path / HOOKS
    path.write_bytes(existing.encode())
    path.chmod(0o640)
    assert run("init").exit_code == 0
    content = path.read_bytes()
    assert content.startswith(existing.encode())
    assert path.stat().st_mode & 0o777 == 0o640
    assert yaml.safe_load(content)["repos"][:-1] == yaml.safe_load(existing)["repos"]
    assert hook_of(path)["entry"] == "safemigrate lint --staged"
    assert (b"\r\n" in content) == ("\r\n" in existing)
    assert content.count(b"\r\n") in {0, content.count(b"\n")}


@pytest.mark.parametrize(
    "existing",
    [
        "repos: []\n",
        "repos: [{repo: local, hooks: []}]\n",
        "repos:\n  - repo: local\n    hooks: []\nci:\n  skip: [a]\n",
        "repos:\n",
        "[]\n",
        "",
        "a: [\n",
        "repos:\n  - repo: local\n    hooks: []\n...\n",
    ],
)
def test_where_the_hook_has_no_safe_place_it_is_shown(
    tracked: ProjectFolder, run: Run, existing: str
) -> None:
    tracked.write(HOOKS, existing)
    result = run("init")
    assert result.exit_code == 0, result.output
    assert (tracked.path / HOOKS).read_text("utf-8") == existing
    assert f"By hand, in {HOOKS}: " in result.stdout
    assert "    - repo: local\n" in result.stdout


def test_a_hook_that_is_there_already_is_kept(tracked: ProjectFolder, run: Run) -> None:
    existing = "repos: [{repo: local, hooks: [{id: mine, entry: safemigrate lint}]}]\n"
    tracked.write(HOOKS, existing)
    result = run("init")
    assert (tracked.path / HOOKS).read_text("utf-8") == existing
    assert "By hand" not in result.stdout


@pytest.mark.parametrize(
    "existing",
    [
        b'[project]\nname = "a"\n',
        b'# no newline\n[tool.other]\nkey = "\xc3\xa9"',
        b'[project]\r\nname = "a"\r\n\r\n[tool.black]\r\n',
        b"",
    ],
)
def test_a_pyproject_gets_a_table_behind_all_it_has(
    tracked: ProjectFolder, run: Run, existing: bytes
) -> None:
    path = tracked.path / "pyproject.toml"
    path.write_bytes(existing)
    assert run("init", "--pg-version", "16").exit_code == 0
    content = path.read_bytes()
    assert content.startswith(existing)
    assert content.count(b"\r\n") in {0, content.count(b"\n")}
    table = tomllib.loads(content.decode())["tool"].pop("safemigrate")
    assert table == {"pg-version": 16, "baseline": BASELINE}
    assert not (tracked.path / "safemigrate.toml").exists()
    assert run("lint").exit_code == 0


def test_a_pyproject_that_takes_no_table_is_left_alone(tracked: ProjectFolder, run: Run) -> None:
    path = tracked.write("pyproject.toml", "tool = { black = { line-length = 88 } }\n")
    before = path.read_bytes()
    assert run("init").exit_code == 0
    assert path.read_bytes() == before
    assert (tracked.path / "safemigrate.toml").is_file()


def test_a_configuration_of_the_user_s_is_left_alone(tracked: ProjectFolder, run: Run) -> None:
    path = tracked.write("safemigrate.toml", "pg-version = 15\n")
    result = run("init", "--pg-version", "17")
    assert result.exit_code == 0, result.output
    assert path.read_text("utf-8") == "pg-version = 15\n"
    assert not (tracked.path / BASELINE).exists()
    assert f'    baseline = "{BASELINE}"' in result.stdout
    assert read_row(result, "server").startswith("judged for PostgreSQL 15, as ")
    unasked = read_row(run("init", "--url", "mysql://somewhere/n"), "server")
    assert unasked.endswith(
        "the database of --url was not asked, for there is a configuration: "
        'its version would be "pg-version" there'
    )
    tracked.write("safemigrate.toml", f'pg-version = 15\nbaseline = "known/{BASELINE}"\n')
    assert run("init").exit_code == 0
    assert (tracked.path / "known" / BASELINE).is_file()
    assert run("lint").exit_code == 0


def test_a_file_in_the_place_of_the_baseline_is_not_overwritten(
    tracked: ProjectFolder, run: Run
) -> None:
    path = tracked.write(BASELINE, "mine\n")
    before = files_of(tracked.path)
    result = run("init")
    assert result.exit_code == 2
    assert f'"{BASELINE}" is not a baseline' in result.stderr
    assert files_of(tracked.path) == before
    assert path.read_text("utf-8") == "mine\n"


def test_the_workflow_judges_what_a_pull_request_adds(
    tracked: ProjectFolder, run: Run, git: Git, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert run("init").exit_code == 0
    workflow = yaml.safe_load((tracked.path / WORKFLOW).read_text("utf-8"))
    # YAML 1.1 reads the key `on` as true
    assert workflow[True] == "pull_request"
    assert workflow["permissions"] == {}
    (job,) = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert job["steps"][0]["with"]["fetch-depth"] == 0
    *_, step = job["steps"]
    assert step["run"] == "safemigrate pull-request"
    assert step["env"] == {"GITHUB_TOKEN": "${{ github.token }}"}
    git("checkout", "-b", "change")
    git("add", add_index(tracked, "cccc", after="bbbb"))
    git("commit", "-m", "second")
    command = f"{step['run']} --no-verify"
    done = run_for_pull_request(command, tracked.path, tmp_path_factory.mktemp("job"))
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::error file=migrations/versions/cccc.py,")


@pytest.mark.parametrize(
    ("files", "installed"),
    [
        ({}, ()),
        ({"pyproject.toml": "[project]\nname = 'a'\n"}, ()),
        ({"pyproject.toml": "[build-system]\nrequires = []\n"}, (".",)),
        ({"pyproject.toml": "[build-system]\n", "requirements.txt": ""}, ("-r requirements.txt",)),
    ],
)
def test_the_workflow_installs_what_the_project_imports(
    tracked: ProjectFolder, run: Run, files: Mapping[str, str], installed: tuple[str, ...]
) -> None:
    for name, text in files.items():
        tracked.write(name, text)
    tracked.write(".gitlab-ci.yml", "stages: [test]\n")
    result = run("init")
    assert result.exit_code == 0, result.output
    wanted = [f"python -m pip install {one}" for one in (*installed, '"safemigrate[embedded]"')]
    *steps, _ = steps_of(tracked.path / WORKFLOW)
    assert [one["run"] for one in steps] == wanted
    assert all(command in result.stdout for command in wanted)


def test_a_workflow_that_is_there_is_kept(tracked: ProjectFolder, run: Run) -> None:
    text = "jobs: {a: {steps: [{run: safemigrate pull-request}]}}\n"
    path = tracked.write(".github/workflows/ours.yaml", text)
    result = run("init")
    assert result.exit_code == 0
    assert not (tracked.path / WORKFLOW).exists()
    assert path.read_text("utf-8") == text


def test_a_project_that_is_not_on_github_gets_no_workflow(
    tracked: ProjectFolder, run: Run, git: Git
) -> None:
    git("remote", "set-url", "origin", "https://example.org/github/something.git")
    assert run("init").exit_code == 0
    assert not (tracked.path / ".github").exists()


def test_a_job_for_gitlab_is_shown(tracked: ProjectFolder, run: Run, git: Git) -> None:
    path = tracked.write(".gitlab-ci.yml", "stages: [test]\n")
    result = run("init")
    assert path.read_text("utf-8") == "stages: [test]\n"
    _, _, rest = result.stdout.partition("By hand, in .gitlab-ci.yml: ")
    lines = [line[4:] for line in rest.splitlines()[1:] if line.startswith("    ") or not line]
    job = yaml.safe_load("\n".join(lines))["safemigrate"]
    assert job["variables"] == {"GIT_DEPTH": "0"}
    git("checkout", "-b", "change")
    git("add", add_index(tracked, "cccc", after="bbbb"))
    git("commit", "-m", "second")
    command = f"{job['script'][-1]} --no-verify"
    settings = {
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": commit_of("main"),
        "CI_MERGE_REQUEST_IID": "1",
        "CI_PROJECT_DIR": ".",
        "CI_PROJECT_ID": "1",
        "GITLAB_CI": "true",
    }
    words = " ".join(f"{name}={value}" for name, value in settings.items())
    done = run_on_path(f"env {words} sh -c {shlex.quote(command)}", tracked.path)
    assert done.returncode == 1, done.stderr
    report = tracked.path / job["artifacts"]["reports"]["codequality"]
    assert RULE in {one["check_name"] for one in json.loads(report.read_text("utf-8"))}
    tracked.write(".gitlab-ci.yml", "\n".join(lines))
    assert "By hand" not in run("init").stdout


def test_without_git_there_is_a_configuration_and_a_baseline(
    adopter: ProjectFolder, run: Run
) -> None:
    before = files_of(adopter.path)
    result = run("init")
    assert result.exit_code == 0, result.output
    assert files_of(adopter.path).keys() - before.keys() == {"safemigrate.toml", BASELINE}
    assert "There is no git repository" in result.stdout
    assert run("lint").exit_code == 0


def test_without_a_configuration_of_alembic_there_is_a_hint(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("init")
    assert result.exit_code == 2
    assert result.stderr.startswith(
        'error: there is no Alembic configuration "alembic.ini"\nhint: '
    )
    assert list(tmp_path.iterdir()) == []


def test_the_configuration_of_a_folder_is_found_when_it_is_the_only_one(
    adopter: ProjectFolder, run: Run
) -> None:
    adopter.write("migrations/alembic.ini", "[alembic]\nscript_location = %(here)s\n")
    adopter.write(
        "migrations/env.py",
        OWN_ENV_PY,
    )
    (adopter.path / "alembic.ini").unlink()
    result = run("init")
    assert result.exit_code == 0, result.output
    assert "safemigrate lint -c migrations/alembic.ini" in result.stdout
    named = run("lint", "-c", "migrations/alembic.ini")
    assert named.exit_code == 0
    assert run("lint").stdout == named.stdout
    status = run("verify")
    assert status.exit_code == 2
    assert "there is one in a folder below: give --config migrations/alembic.ini" in status.stderr
    adopter.write("other/alembic.ini", "[alembic]\n")
    for command in ("init", "lint", "explain"):
        several = run(command)
        assert several.exit_code == 2
        assert 'several Alembic configurations: "migrations/alembic.ini", "other' in several.stderr


def test_a_project_of_flask_migrate_is_adopted_without_the_application(
    adopter: ProjectFolder, run: Run, git: Git
) -> None:
    # it says where the migrations are when it runs Alembic itself
    adopter.write("migrations/alembic.ini", "[alembic]\n# template used to generate\n")
    adopter.write("migrations/env.py", FLASK_ENV_PY)
    (adopter.path / "alembic.ini").unlink()
    git("init", "-b", "main")
    result = run("init")
    assert result.exit_code == 0, result.output
    assert read_row(result, "revisions") == '2, head "bbbb"'
    assert read_row(result, "judged") == "4 of 4 statements"
    hook = hook_of(adopter.path / HOOKS)
    git("add", ".")
    assert run_on_path(hook["entry"], adopter.path).returncode == 0
    git("add", add_index(adopter, "cccc", after="bbbb"))
    assert run_on_path(hook["entry"], adopter.path).returncode == 1


def test_a_project_without_revisions_is_adopted(folder: ProjectFolder, run: Run, git: Git) -> None:
    git("init")
    result = run("init")
    assert result.exit_code == 0, result.output
    assert read_row(result, "revisions") == "none yet"
    assert hook_of(folder.path / HOOKS)["entry"] == "safemigrate lint --staged"
    assert run("lint").exit_code == 0


def test_without_a_url_no_database_is_asked_as_the_help_says(run: Run) -> None:
    said = " ".join(run("init", "--help").stdout.split())
    assert "default: none is asked" in said
    assert "what env.py connects to" not in said


def test_the_server_is_asked_for_its_version(
    tracked: ProjectFolder, run: Run, database: str
) -> None:
    result = run("init", "--url", database)
    assert result.exit_code == 0, result.output
    version = tomllib.loads((tracked.path / "safemigrate.toml").read_text("utf-8"))["pg-version"]
    assert read_row(result, "server") == f"PostgreSQL {version}"
    assert version > 14


def test_a_server_that_does_not_answer_stops_nothing(tracked: ProjectFolder, run: Run) -> None:
    result = run("init", "--url", "postgresql://me:secret@localhost:1/nothing")
    assert result.exit_code == 0, result.output
    assert read_row(result, "server").startswith("not known: ")
    assert "secret" not in result.output
    assert (tracked.path / BASELINE).is_file()


def test_a_folder_that_cannot_be_made_leaves_nothing_half_written(
    tracked: ProjectFolder, run: Run
) -> None:
    (tracked.path / ".github").mkdir()
    tracked.write(".github/workflows", "a file\n")
    before = files_of(tracked.path)
    result = run("init")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    assert result.stderr.count("hint: ") == 1
    assert files_of(tracked.path) == before


def test_a_link_stays_one(tracked: ProjectFolder, run: Run) -> None:
    real = tracked.write("shared/pyproject.toml", '[project]\nname = "a"\n')
    link = tracked.path / "pyproject.toml"
    link.symlink_to(real)
    assert run("init").exit_code == 0
    assert link.is_symlink()
    assert "safemigrate" in tomllib.loads(real.read_text("utf-8"))["tool"]
