"""`safemigrate new`: where a revision comes to stand, and what it looks like."""

import json
import sys
import textwrap
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from click.testing import CliRunner

from safemigrate.cli.group import group
from tests.cli.conftest import ProjectFolder, Run

MAKO = '''\
"""${message} (ours)"""
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
'''
TABLE = """\
CREATE TABLE users (id bigint PRIMARY KEY, email text, age integer)
"""


def list_written(folder: ProjectFolder) -> list[str]:
    return sorted(path.name for path in (folder.path / "migrations/versions").glob("*.py"))


@pytest.fixture
def stock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    """A project as `alembic init` makes it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SAFEMIGRATE_URL", raising=False)
    monkeypatch.delenv("ALEMBIC_CONFIG", raising=False)
    command.init(Config("alembic.ini"), "migrations")
    return ProjectFolder(tmp_path)


def test_an_empty_revision_is_typed_and_lints_clean(stock: ProjectFolder, run: Run) -> None:
    result = run("new", "add email to users", "--rev-id", "0001")

    assert result.exit_code == 0, result.output
    assert list_written(stock) == ["0001_add_email_to_users.py"]
    text = stock.read("migrations/versions/0001_add_email_to_users.py")
    assert 'revision: str = "0001"' in text
    assert "def upgrade() -> None:\n    pass\n" in text
    assert "No findings" in result.stdout
    assert run("lint", "--strict").exit_code == 0


def test_it_follows_the_head(folder: ProjectFolder, run: Run) -> None:
    folder.revise("a1", "pass")

    run("new", "next", "--rev-id", "a2")

    assert 'down_revision: str | Sequence[str] | None = "a1"' in folder.read(
        "migrations/versions/a2_next.py"
    )


def test_a_template_of_the_projects_own_is_used(folder: ProjectFolder, run: Run) -> None:
    folder.write("migrations/script.py.mako", MAKO)

    run("new", "users", "--rev-id", "a1", "--sql", TABLE)

    text = folder.read("migrations/versions/a1_users.py")
    assert text.startswith('"""users (ours)"""')
    assert "CREATE TABLE users" in text
    assert 'op.drop_table("users")' in text


@pytest.mark.parametrize("template", ["generic", "async", "pyproject"])
def test_the_templates_of_alembic_give_way_to_ours(
    folder: ProjectFolder, run: Run, template: str
) -> None:
    found = Path(Config().get_template_directory()) / template / "script.py.mako"
    folder.write("migrations/script.py.mako", found.read_text())

    run("new", "users", "--rev-id", "a1")

    assert "from collections.abc" in folder.read("migrations/versions/a1_users.py")


def test_the_template_for_several_databases_is_the_projects_own(
    folder: ProjectFolder, run: Run
) -> None:
    found = Path(Config().get_template_directory()) / "multidb" / "script.py.mako"
    folder.write("migrations/script.py.mako", found.read_text())
    folder.write("alembic.ini", f"{folder.read('alembic.ini')}databases = one, two\n")

    result = run("new", "users", "--rev-id", "a1")

    assert result.exit_code == 0, result.output
    assert "def upgrade_one()" in folder.read("migrations/versions/a1_users.py")


def test_the_projects_file_template_and_timezone_are_kept(folder: ProjectFolder, run: Run) -> None:
    settings = "file_template = %%(year)d/%%(rev)s-%%(slug)s\ntimezone = UTC\n"
    more = "recursive_version_locations = true\n"
    folder.write("alembic.ini", folder.read("alembic.ini") + settings + more)

    result = run("new", "Add Users!", "--rev-id", "a1")

    (path,) = (folder.path / "migrations/versions").rglob("*.py")
    assert path.name == "a1-add_users.py"
    assert path.parent.name.isdigit()
    assert "+00:00" in path.read_text()
    assert result.exit_code == 0


def test_one_of_several_version_locations_has_to_be_named(folder: ProjectFolder, run: Run) -> None:
    locations = "version_locations = %(here)s/one %(here)s/two\npath_separator = space\n"
    folder.write("alembic.ini", folder.read("alembic.ini") + locations)

    refused = run("new", "first")
    result = run("new", "first", "--rev-id", "a1", "--version-path", str(folder.path / "two"))

    assert refused.exit_code == 2
    assert "--version-path" in refused.stderr
    assert result.exit_code == 0, result.output
    assert [path.name for path in (folder.path / "two").glob("*.py")] == ["a1_first.py"]
    assert not (folder.path / "one").exists()


def test_several_heads_are_an_error_with_the_way_out(folder: ProjectFolder, run: Run) -> None:
    folder.revise("a1", "pass")
    folder.revise("b1", "pass", after="a1")
    folder.revise("b2", "pass", after="a1")

    refused = run("new", "more")
    chosen = run("new", "more", "--head", "b2", "--rev-id", "c1")
    spliced = run("new", "other", "--head", "a1", "--rev-id", "c2")
    branch = run(
        "new", "other", "--head", "a1", "--splice", "--branch-label", "side", "--rev-id", "c2"
    )

    assert refused.exit_code == 2
    assert "multiple heads are present" in refused.stderr
    assert "alembic merge heads" in refused.stderr
    assert chosen.exit_code == 0
    assert spliced.exit_code == 2
    assert "--splice" in spliced.stderr
    assert branch.exit_code == 0, branch.output
    assert '"side"' in folder.read("migrations/versions/c2_other.py")


def test_nothing_is_written_over(folder: ProjectFolder, run: Run) -> None:
    folder.write("alembic.ini", f"{folder.read('alembic.ini')}file_template = %%(slug).5s\n")
    kept = folder.revise("requi", "pass")

    result = run("new", "require it")

    assert result.exit_code == 2
    assert "is there already" in result.stderr
    assert list_written(folder) == ["requi.py"]
    assert "def upgrade" in folder.read(kept)


def test_of_several_files_all_are_written_or_none(folder: ProjectFolder, run: Run) -> None:
    folder.revise("a1", f"op.execute({TABLE!r})", 'op.drop_table("users")')
    folder.write("alembic.ini", f"{folder.read('alembic.ini')}file_template = same\n")

    result = run("new", "x", "--sql", "ALTER TABLE users ALTER email SET NOT NULL")

    assert result.exit_code == 2
    assert "is there already" in result.stderr
    assert list_written(folder) == ["a1.py"]


def test_an_id_is_given_once(folder: ProjectFolder, run: Run) -> None:
    folder.revise("a1", "pass")

    result = run("new", "again", "--rev-id", "a1")

    assert result.exit_code == 2
    assert 'there is a revision "a1" already' in result.stderr


def test_hooks_run_on_what_was_written(folder: ProjectFolder, run: Run) -> None:
    script = "import sys; open(sys.argv[1], 'a').write('# hooked' + chr(10))"
    folder.write("hook.py", script)
    folder.write(
        "alembic.ini",
        f"{folder.read('alembic.ini')}\n[post_write_hooks]\nhooks = mark\nmark.type = exec\n"
        f"mark.executable = {sys.executable}\n"
        "mark.options = hook.py REVISION_SCRIPT_FILENAME\n",
    )

    result = run("new", "first", "--rev-id", "a1")

    assert result.exit_code == 0, result.output
    assert folder.read("migrations/versions/a1_first.py").endswith("# hooked\n")


def test_a_hook_that_fails_is_told_and_the_file_stays(folder: ProjectFolder, run: Run) -> None:
    folder.write(
        "alembic.ini",
        f"{folder.read('alembic.ini')}\n[post_write_hooks]\nhooks = style\nstyle.type = exec\n"
        "style.executable = /nowhere/formatter\n",
    )

    result = run("new", "first", "--rev-id", "a1")

    assert result.exit_code == 2
    assert 'a post-write hook of "style" failed' in result.stderr
    assert list_written(folder) == ["a1_first.py"]


def test_a_dry_run_shows_and_writes_nothing(folder: ProjectFolder, run: Run) -> None:
    result = run("new", "users", "--dry-run", "--rev-id", "a1", "--sql", TABLE)

    assert result.exit_code == 0, result.output
    assert "would write migrations/versions/a1_users.py" in result.stdout
    assert "CREATE TABLE users" in result.stdout
    assert list_written(folder) == []


@pytest.mark.usefixtures("folder")
def test_the_json_names_what_was_written(run: Run) -> None:
    result = run("new", "users", "--rev-id", "a1", "--format", "json", "--sql", TABLE)

    document = json.loads(result.stdout)
    assert document["version"] == 1
    assert [(one["path"], one["revision"]) for one in document["written"]] == [
        ("migrations/versions/a1_users.py", "a1")
    ]
    assert document["lint"]["summary"]["errors"] == 0


def test_statements_are_read_from_standard_input(folder: ProjectFolder) -> None:
    arguments = ("new", "users", "--sql", "-", "--rev-id", "a1")

    result = CliRunner().invoke(group, arguments, input=TABLE, prog_name="safemigrate")

    assert result.exit_code == 0, result.output
    assert "CREATE TABLE users" in folder.read("migrations/versions/a1_users.py")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "a revision needs a message"),
        (("",), "a revision needs a message"),
        (('say """so"""',), "stands in the revision's docstring"),
        (('"m" ',), "stands in the revision's docstring"),
        (("m", "--rev-id", 'a"b\\'), "no id of a revision"),
        (("m", "--rev-id", "a/b"), "no id of a revision"),
        (("m", "--sql", "SELECT 1", "--reason", "\n"), "--reason is empty"),
        (("m", "--sql", ""), "--sql has no statement"),
        (("m", "--sql", "BEGIN; SELECT 1; COMMIT"), "its transaction is Alembic's"),
        (("m", "--sql", "ALTER TABEL x"), "syntax error"),
        (("m", "--sql", "SELECT 1", "--autogenerate"), "two ways to say"),
        (("m", "--recipe", "add-nothing"), 'there is no recipe "add-nothing"'),
        (("m", "--recipe", "add-not-null", "--table", "x"), "needs --column"),
        (("m", "--recipe", "drop-table", "--table", "x", "--to", "y"), "does not take --to"),
        (
            ("m", "--recipe", "add-not-null", "--table", "x", "--column", "a", "--column", "b"),
            "is for one column",
        ),
        (("m", "--table", "x"), "--table is for --recipe"),
        (("m", "--reason", "x"), "--reason is for"),
        (("m", "--live"), "--live is for --autogenerate"),
        (("m", "--autogenerate", "--live", "--server", "embedded"), "name two databases"),
        (("m", "--head", "nowhere"), "nowhere"),
        (("m", "--rev-id", "a-b"), "a-b"),
        (("m", "--version-path", "elsewhere"), "elsewhere"),
        (("m", "--autogenerate", "--server", "mainframe"), "not a kind of server"),
    ],
)
def test_what_cannot_be_is_said(
    folder: ProjectFolder, run: Run, arguments: tuple[str, ...], said: str
) -> None:
    result = run("new", *arguments)

    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert "bug of safemigrate" not in result.stderr
    assert list_written(folder) == []


def test_the_recipes_are_listed(run: Run) -> None:
    listed = run("new", "--list-recipes")

    assert listed.exit_code == 0
    assert "--recipe add-not-null --table TABLE --column COLUMN\n" in listed.stdout
    assert "--recipe drop-table --table TABLE [--reason REASON]\n" in listed.stdout
    asking = [block for block in listed.stdout.split("\n    ") if "--reason says since" in block]
    assert len(asking) == listed.stdout.count("[--reason REASON]")
    assert run("new", "--recipe", "list").stdout == listed.stdout


def test_a_broken_revision_is_named(folder: ProjectFolder, run: Run) -> None:
    folder.write("migrations/versions/a1.py", textwrap.dedent("revision = 'a1'\ndef upgrade(:\n"))

    result = run("new", "more")

    assert result.exit_code == 2
    assert "a1.py" in result.stderr


def test_a_template_that_shows_no_code_is_told(folder: ProjectFolder, run: Run) -> None:
    folder.write(
        "migrations/script.py.mako", MAKO.replace('${upgrades if upgrades else "pass"}', "pass")
    )

    result = run("new", "users", "--sql", TABLE)

    assert result.exit_code == 2
    assert "script.py.mako does not show the code" in result.stderr
    assert list_written(folder) == []
