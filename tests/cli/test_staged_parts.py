"""What a commit would lack that is on disk: a revision that is followed, a helper."""

import pytest

from tests.cli.conftest import ENV_PY, Git, ProjectFolder, Run

NOT_WHOLE = "error: what was judged is not what would be committed\n"
HARMLESS = 'op.execute("SELECT 1")'


@pytest.fixture
def branch(folder: ProjectFolder, git: Git) -> ProjectFolder:
    """A project whose first commit has revision `aaaa`, and whose code may import helpers."""
    folder.write("migrations/env.py", f"import sys\nsys.path.insert(0, '.')\n{ENV_PY}")
    folder.write(".gitignore", "__pycache__/\n")
    folder.revise("aaaa", HARMLESS)
    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "first")
    return folder


def name_parent(folder: ProjectFolder, path: str, line: str) -> None:
    """Put a line into a revision, beside the one that says what it follows."""
    folder.write(path, folder.read(path).replace("down_revision", f"{line}\ndown_revision", 1))


def test_a_staged_revision_whose_parent_is_not_staged_fails(
    branch: ProjectFolder, run: Run, git: Git
) -> None:
    branch.revise("bbbb", HARMLESS, after="aaaa")
    git("add", branch.revise("cccc", HARMLESS, after="bbbb"))
    result = run("lint", "--staged")

    assert result.exit_code == 1, result.output
    assert result.stderr == (
        'note: "migrations/versions/cccc.py" follows "bbbb", and the commit would not have '
        '"migrations/versions/bbbb.py": Alembic loads no revision then\n'
        f"{NOT_WHOLE}"
        "hint: stage it too: git add migrations/versions/bbbb.py\n"
    )
    git("add", "migrations/versions/bbbb.py")
    assert run("lint", "--staged").exit_code == 0


def test_a_parent_of_which_git_has_only_the_intent_is_not_there(
    branch: ProjectFolder, run: Run, git: Git
) -> None:
    git("add", "--intent-to-add", branch.revise("bbbb", HARMLESS, after="aaaa"))
    git("add", branch.revise("cccc", HARMLESS, after="bbbb"))
    result = run("lint", "--staged")

    assert result.exit_code == 1, result.output
    assert "hint: stage it too: git add migrations/versions/bbbb.py\n" in result.stderr


def test_a_parent_that_git_ignores_has_to_be_added_by_force(
    branch: ProjectFolder, run: Run, git: Git
) -> None:
    branch.write(".gitignore", "b*.py\n")
    branch.revise("bbbb", HARMLESS, after="aaaa")
    git("add", branch.revise("cccc", HARMLESS, after="bbbb"))
    result = run("lint", "--staged")

    assert result.exit_code == 1, result.output
    assert "hint: stage it too: git add -f migrations/versions/bbbb.py\n" in result.stderr


@pytest.mark.parametrize("needed", ["bbbb", "other"])
def test_a_revision_that_a_staged_one_depends_on_is_missed_too(
    branch: ProjectFolder, run: Run, git: Git, needed: str
) -> None:
    other = branch.revise("bbbb", HARMLESS)
    name_parent(branch, other, 'branch_labels = "other"')
    path = branch.revise("cccc", HARMLESS, after="aaaa")
    name_parent(branch, path, f'depends_on = "{needed}"')
    git("add", path)
    result = run("lint", "--staged")

    assert result.exit_code == 1, result.output
    assert f'"{path}" depends on "{needed}", and the commit would not have "{other}"' in (
        result.stderr
    )


def test_a_revision_that_the_commit_takes_out_of_git_and_leaves_on_disk(
    branch: ProjectFolder, run: Run, git: Git
) -> None:
    git("add", branch.revise("bbbb", HARMLESS, after="aaaa"))
    git("commit", "-m", "second")
    git("rm", "-q", "--cached", "migrations/versions/aaaa.py")
    result = run("lint", "--staged")

    assert result.exit_code == 1, result.output
    assert "hint: stage it too: git add migrations/versions/aaaa.py\n" in result.stderr


def test_a_known_revision_that_follows_one_that_is_not_staged_now(
    branch: ProjectFolder, run: Run, git: Git
) -> None:
    git("add", branch.revise("cccc", HARMLESS, after="aaaa"))
    git("commit", "-m", "second")
    branch.revise("bbbb", HARMLESS, after="aaaa")
    git("add", branch.revise("cccc", HARMLESS, after="bbbb"))
    result = run("lint", "--staged")

    assert result.exit_code == 1, result.output
    assert '"migrations/versions/cccc.py" follows "bbbb"' in result.stderr


def test_what_lacks_its_parent_already_fails_no_other_commit(
    branch: ProjectFolder, run: Run, git: Git
) -> None:
    branch.revise("bbbb", HARMLESS, after="aaaa")
    git("add", branch.revise("cccc", HARMLESS, after="bbbb"))
    git("commit", "-m", "broken")
    git("add", branch.revise("dddd", HARMLESS, after="cccc"))

    assert run("lint", "--staged").exit_code == 0


def test_a_parent_that_git_has_and_the_disk_lacks_is_asked_for(
    branch: ProjectFolder, run: Run, git: Git
) -> None:
    git("add", branch.revise("bbbb", HARMLESS, after="aaaa"))
    (branch.path / "migrations/versions/aaaa.py").unlink()
    result = run("lint", "--staged")

    assert result.exit_code == 1, result.output
    assert 'bbbb.py" follows "aaaa", and no file has that revision id' in result.stderr
    assert "restore the missing file" in result.stderr


def test_a_parent_in_a_submodule_is_left_to_it(
    branch: ProjectFolder, run: Run, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = branch.path / "migrations/versions/inner"
    inner.mkdir()
    path = branch.revise("bbbb", HARMLESS, after="aaaa")
    (branch.path / path).rename(inner / "bbbb.py")
    monkeypatch.chdir(inner)
    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "inner")
    monkeypatch.chdir(branch.path)
    branch.write("alembic.ini", f"{branch.read('alembic.ini')}recursive_version_locations = true\n")
    git("add", ".")
    git("commit", "-m", "a submodule")
    git("add", branch.revise("cccc", HARMLESS, after="bbbb"))
    result = run("lint", "--staged")

    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert "in 1 migration" in result.stdout


def test_since_a_reference_the_working_tree_is_what_is_judged(
    branch: ProjectFolder, run: Run, git: Git
) -> None:
    branch.revise("bbbb", HARMLESS, after="aaaa")
    git("add", branch.revise("cccc", HARMLESS, after="bbbb"))
    result = run("lint", "--changed-since", "main")

    assert result.exit_code == 0, result.output
    assert "in 2 migrations" in result.stdout


@pytest.mark.parametrize(
    # two names, for a process imports a module once
    ("name", "force"),
    [("helper_forgotten", ""), ("helper_ignored", "-f ")],
)
def test_a_helper_that_would_not_be_committed_is_a_doubt(
    branch: ProjectFolder, run: Run, git: Git, name: str, force: str
) -> None:
    branch.write(".gitignore", "__pycache__/\n*_ignored.py\n")
    branch.write(f"{name}.py", "SQL = 'SELECT 1'\n")
    path = branch.revise("bbbb", f"from {name} import SQL\nop.execute(SQL)", after="aaaa")
    git("add", path, ".gitignore")
    result = run("lint", "--staged")

    assert result.exit_code == 0, result.output
    assert (
        f'note: "{name}.py" is read for the migrations, and the commit would not have it; where '
        f"they need it: git add {force}{name}.py\n"
    ) in result.stdout
    git("add", "-f", f"{name}.py")
    assert "the commit would not have" not in run("lint", "--staged").stdout


def test_an_ignored_file_that_no_staged_revision_imports_is_nobody_s_business(
    branch: ProjectFolder, run: Run, git: Git
) -> None:
    branch.write(".gitignore", "secrets.sql\nlocal_settings.py\n")
    branch.write("secrets.sql", "SELECT 1")
    branch.write("local_settings.py", "")
    branch.write("migrations/env.py", f"import local_settings\n{branch.read('migrations/env.py')}")
    path = branch.revise("bbbb", "op.execute(open('secrets.sql').read())", after="aaaa")
    git("add", path)

    assert "the commit would not have" not in run("lint", "--staged").output


def test_a_file_of_sql_that_would_not_be_committed_is_a_doubt(
    branch: ProjectFolder, run: Run, git: Git
) -> None:
    branch.write("a statement.sql", "SELECT 1")
    path = branch.revise("bbbb", "op.execute(open('a statement.sql').read())", after="aaaa")
    git("add", path)

    assert "where they need it: git add 'a statement.sql'\n" in run("lint", "--staged").stdout
