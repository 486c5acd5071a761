"""What git chooses: --changed-since for a branch, --staged for a hook."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import Result

from tests.cli.conftest import ENV_PY, Git, ProjectFolder, Run

TABLE = 'op.create_table("recipe", sa.Column("id", sa.BigInteger(), primary_key=True))'
INDEX = 'op.create_index("{}_idx", "recipe", ["id"])'
UNDO = """\
with op.get_context().autocommit_block():
    op.drop_index("{}_idx", postgresql_concurrently=True)
"""
RULE = "non-concurrent-index"


def add_index(folder: ProjectFolder, revision: str, after: str) -> str:
    """Write a revision that lint has something to say about."""
    return folder.revise(revision, INDEX.format(revision), UNDO.format(revision), after=after)


def revisions(result: Result) -> set[str]:
    assert result.exit_code in {0, 1}, result.output
    findings = json.loads(result.stdout)["findings"]
    return {finding["revision"] for finding in findings if finding["rule"] == RULE}


@pytest.fixture
def branch(folder: ProjectFolder, git: Git) -> ProjectFolder:
    """A project on a branch that has added nothing yet; `bbbb` on main has a finding."""
    folder.revise("aaaa", TABLE, 'op.drop_table("recipe")')
    add_index(folder, "bbbb", after="aaaa")
    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "first")
    git("switch", "-c", "branch")
    return folder


def test_only_what_the_branch_adds_is_judged_with_its_history(
    branch: ProjectFolder, run: Run, git: Git
) -> None:
    add_index(branch, "cccc", after="bbbb")
    git("add", ".")
    git("commit", "-m", "second")
    result = run("lint", "--changed-since", "main", "--format", "json")
    # it is known from revision aaaa that the table was there
    assert revisions(result) == {"cccc"}
    explained = run("explain", "--changed-since", "main", "--format", "json")
    statements = json.loads(explained.stdout)["statements"]
    assert {one["revision"] for one in statements} == {"cccc"}


def test_a_revision_that_follows_another_one_after_a_rebase_is_still_the_branch_s(
    branch: ProjectFolder, run: Run, git: Git
) -> None:
    add_index(branch, "cccc", after="bbbb")
    git("add", ".")
    git("commit", "-m", "second")
    git("switch", "main")
    add_index(branch, "dddd", after="bbbb")
    git("add", ".")
    git("commit", "-m", "meanwhile")
    git("switch", "branch")
    git("rebase", "main")
    add_index(branch, "cccc", after="dddd")
    assert revisions(run("lint", "--changed-since", "main", "--format", "json")) == {"cccc"}


@pytest.mark.usefixtures("branch")
@pytest.mark.parametrize("command", ["lint", "explain"])
def test_a_revision_in_a_file_of_another_name_is_nothing_to_judge(
    run: Run, git: Git, command: str
) -> None:
    git("mv", "migrations/versions/bbbb.py", "migrations/versions/b é b.py")
    git("commit", "-m", "rename")
    result = run(command, "--changed-since", "main")
    assert result.exit_code == 0, result.output
    nothing = 'nothing to judge: no migration is new or changed since "main"\n'
    assert result.stdout == nothing
    assert result.stderr == ""
    result = run(command, "--changed-since", "main", "--format", "json")
    assert result.exit_code == 0
    assert result.stderr == nothing
    assert json.loads(result.stdout)["version"] == 1


def test_a_known_revision_at_another_place_is_told_and_not_judged(
    branch: ProjectFolder, run: Run
) -> None:
    branch.revise("cccc", "pass", after="aaaa")
    add_index(branch, "bbbb", after="cccc")
    result = run("lint", "--changed-since", "main")
    assert result.exit_code == 0, result.output
    assert 'note: revision "bbbb" stands at another place of the history' in result.stdout
    assert "Judged 0 of 0 statements" in result.stdout.splitlines()[-1]
    named = run("lint", "migrations/versions/bbbb.py", "--format", "json")
    assert revisions(named) == {"bbbb"}


def test_a_project_below_the_top_of_the_repository(
    folder: ProjectFolder, run: Run, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = folder.path / "top é"
    top.mkdir()
    for name in ("alembic.ini", "migrations"):
        (folder.path / name).rename(top / name)
    inner = ProjectFolder(top)
    monkeypatch.chdir(folder.path)
    folder.write("README", "nothing\n")
    git("init", "-b", "main")
    git("add", "README")
    git("commit", "-m", "first")
    inner.revise("aaaa", TABLE, 'op.drop_table("recipe")')
    add_index(inner, "bbbb", after="aaaa")
    outside = run("lint", "-c", "top é/alembic.ini", "--changed-since", "main", "--format", "json")
    assert revisions(outside) == {"bbbb"}
    monkeypatch.chdir(top)
    assert revisions(run("lint", "--changed-since", "main", "--format", "json")) == {"bbbb"}


def test_sql_files_that_are_only_renamed_are_nothing_to_judge(
    folder: ProjectFolder, run: Run, git: Git
) -> None:
    folder.write("changes/1.sql", "CREATE INDEX i ON recipe (id);\n")
    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "first")
    git("mv", "changes/1.sql", "changes/0001.sql")
    result = run("lint", "changes", "--changed-since", "main")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("nothing to judge: ")
    folder.write("changes/0001.sql", "CREATE INDEX j ON recipe (id);\n")
    assert run("lint", "changes", "--changed-since", "main").exit_code == 1


def test_only_what_is_staged_is_judged(branch: ProjectFolder, run: Run, git: Git) -> None:
    path = add_index(branch, "cccc", after="bbbb")
    add_index(branch, "dddd", after="cccc")
    nothing = run("lint", "--staged")
    assert nothing.exit_code == 0
    assert nothing.stdout == ("nothing to judge: no migration that is staged is new or changed\n")
    git("add", path)
    result = run("lint", "--staged", "--format", "json")
    assert revisions(result) == {"cccc"}
    assert result.stderr == ""
    statements = json.loads(run("explain", "--staged", "--format", "json").stdout)["statements"]
    assert {one["revision"] for one in statements} == {"cccc"}


def test_everything_staged_before_the_first_commit_is_judged(
    folder: ProjectFolder, run: Run, git: Git
) -> None:
    folder.revise("aaaa", TABLE, 'op.drop_table("recipe")')
    add_index(folder, "bbbb", after="aaaa")
    git("init")
    git("add", ".")
    result = run("lint", "--staged", "--format", "json")
    assert revisions(result) == {"bbbb"}
    # env.py and alembic.ini are new, too, and so is all that they are read for
    assert result.stderr == ""


def test_a_staged_file_that_is_otherwise_on_disk_is_an_error(
    branch: ProjectFolder, run: Run, git: Git
) -> None:
    path = add_index(branch, "cccc", after="bbbb")
    git("add", path)
    add_index(branch, "cccc", after="aaaa")
    branch.revise("cccc", "pass", after="bbbb")
    result = run("lint", "--staged")
    assert result.exit_code == 1, result.output
    assert result.stderr == (
        f'note: "{path}" has changes that are not staged: it is judged as it is on disk, not as it '
        "would be committed\n"
        "error: what was judged is not what would be committed\n"
        "hint: stage the changes with git add, or put them aside with git stash\n"
    )
    (branch.path / path).unlink()
    gone = run("lint", "--staged")
    assert gone.exit_code == 1
    assert gone.stderr.startswith(f'note: "{path}" is staged and not on disk')
    add_index(branch, "cccc", after="bbbb")
    branch.revise("cccc", "pass", after="bbbb")
    git("add", path)
    assert run("lint", "--staged").exit_code == 0


def test_a_hook_in_a_linked_working_tree_judges_what_is_committed(
    branch: ProjectFolder, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = branch.write(
        ".git/hooks/pre-commit",
        f"""\
        #!/bin/sh
        cd migrations && exec '{sys.executable}' -m safemigrate lint -c ../alembic.ini --staged
        """,
    )
    hook.chmod(0o755)
    git("worktree", "add", "linked", "-b", "other")
    linked = ProjectFolder(branch.path / "linked")
    monkeypatch.chdir(linked.path)
    linked.revise("cccc", "pass", after="bbbb")
    git("add", ".")
    git("commit", "-m", "harmless")
    path = add_index(linked, "dddd", after="cccc")
    git("add", path)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        git("commit", path, "-m", "harmful")
    assert RULE in os.fsdecode(caught.value.stdout + caught.value.stderr)


@pytest.mark.usefixtures("branch")
@pytest.mark.parametrize("command", ["lint", "explain"])
def test_the_two_ways_to_choose_exclude_each_other(run: Run, command: str) -> None:
    result = run(command, "--staged", "--changed-since", "main")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: --staged and --changed-since are two ways")


def test_fixing_what_is_staged_tells_that_it_is_not_staged_as_it_is_now(
    branch: ProjectFolder, run: Run, git: Git
) -> None:
    path = add_index(branch, "cccc", after="bbbb")
    git("add", path)
    result = run("lint", "--staged", "--fix", "--quiet")
    assert result.exit_code == 1, result.output
    assert f'note: "{path}" has changes that are not staged' in result.stderr
    git("add", path)
    assert run("lint", "--staged").exit_code == 0


@pytest.mark.parametrize(
    ("options", "narrowing"),
    [
        (("--staged",), "--staged"),
        (("--changed-since", "main"), "--changed-since"),
        (("--staged", "migrations/versions"), "--staged and the paths of revisions"),
        (("migrations/versions",), "the paths of revisions"),
    ],
)
def test_a_baseline_is_not_of_a_part(
    branch: ProjectFolder, run: Run, git: Git, options: tuple[str, ...], narrowing: str
) -> None:
    git("add", add_index(branch, "cccc", after="bbbb"))
    result = run("lint", *options, "--write-baseline", "known.json")
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: a baseline is of the whole history\nhint: take out {narrowing}\n"
    )
    assert not (branch.path / "known.json").exists()


def test_a_changed_helper_makes_its_revisions_new(
    folder: ProjectFolder, git: Git, run: Run
) -> None:
    folder.write("helpers.py", "def index(op):\n    op.execute('SELECT 1')\n")
    folder.write("statement.sql", "SELECT 1")
    folder.write("migrations/env.py", f"import sys\nsys.path.insert(0, '.')\n{ENV_PY}")
    folder.revise("one", 'op.create_table("t", sa.Column("a", sa.Integer()))')
    folder.revise("two", "import helpers\nhelpers.index(op)", after="one")
    folder.revise("three", "op.execute(open('statement.sql').read())", after="two")
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "begin")

    folder.write("helpers.py", "def index(op):\n    op.create_index('i', 't', ['a'])\n")
    result = run("lint", "--changed-since", "main")
    assert result.exit_code == 1
    assert "error[non-concurrent-index]" in result.stdout
    assert "in 1 migration" in result.stdout

    git("commit", "-qam", "helper")
    folder.write("statement.sql", "SELECT 2")
    result = run("lint", "--changed-since", "main")
    assert '"statement.sql" is new or changed, and read for the migrations' in result.stdout
    assert run("lint", "--changed-since", "main", "--no-cache").stdout == result.stdout


@pytest.mark.parametrize("code", ["def upgrade(:", "1 / 0"])
def test_a_new_revision_that_cannot_be_loaded_is_not_let_through(
    branch: ProjectFolder, run: Run, git: Git, code: str
) -> None:
    path = branch.revise("cccc", TABLE, after="bbbb")
    branch.write(path, f'revision = "cccc"\ndown_revision = "bbbb"\n{code}\n')
    git("add", ".")

    result = run("lint", "--staged")

    assert result.exit_code == 1
    assert "cannot be loaded" in result.stdout
    assert "error: a revision that is new or changed cannot be loaded" in result.stderr


@pytest.mark.parametrize("options", [("--changed-since", "main"), ("--staged",)])
def test_a_revision_that_follows_none_fails_though_nothing_is_found(
    branch: ProjectFolder, run: Run, git: Git, options: tuple[str, ...]
) -> None:
    branch.revise("cccc", TABLE.replace("recipe", "pan"), 'op.drop_table("pan")', after="zzzz")
    git("add", ".")
    result = run("lint", *options)

    assert result.exit_code == 1
    assert 'cccc.py" follows "zzzz", and no file has that revision id' in result.stderr
    assert "point to the revision that should come before" in result.stderr
    assert "merge heads" not in result.output


@pytest.mark.usefixtures("branch")
@pytest.mark.parametrize("options", [("--changed-since", "main"), ("--staged",)])
def test_a_commit_that_takes_away_what_another_follows_fails(
    run: Run, git: Git, options: tuple[str, ...]
) -> None:
    git("rm", "-q", "migrations/versions/aaaa.py")
    result = run("lint", *options)

    assert result.exit_code == 1
    assert 'bbbb.py" follows "aaaa", and no file has that revision id' in result.stderr


@pytest.mark.usefixtures("branch")
def test_what_a_folder_of_a_project_lacks_may_be_in_another(
    branch: ProjectFolder, run: Run, git: Git
) -> None:
    branch.revise("cccc", TABLE.replace("recipe", "pan"), 'op.drop_table("pan")', after="zzzz")
    (branch.path / "alembic.ini").unlink()
    git("add", ".")
    result = run("lint", "migrations/versions", "--changed-since", "main")

    assert result.exit_code == 0, result.output
    assert 'cccc.py" follows "zzzz", and no file has that revision id' in result.output


@pytest.mark.usefixtures("branch")
def test_what_followed_none_before_does_not_fail_another_change(run: Run, git: Git) -> None:
    git("rm", "-q", "migrations/versions/aaaa.py")
    git("commit", "-m", "gone")

    assert run("lint", "--changed-since", "HEAD").exit_code == 0
    assert run("lint", "--changed-since", "main").exit_code == 1
