"""Projects whose application is not installed, read with stand-ins."""

import builtins
import sys
from pathlib import Path

import pytest

from safemigrate.errors import ConfigError
from safemigrate.model import History, Migration
from safemigrate.source import open_project, record
from safemigrate.source.project import Project
from tests.source.conftest import ProjectFolder


def read(folder: ProjectFolder, *, imports: tuple[str, ...] = ()) -> Project:
    return open_project(folder.config, is_lenient=True, imports=imports)


def read_one(folder: ProjectFolder, body: str, head: str) -> tuple[History, Migration]:
    folder.add("one", body, head=head)
    history = record(read(folder))
    (migration,) = history.migrations
    return history, migration


def test_a_module_that_is_not_here_is_stood_in_for(folder: ProjectFolder) -> None:
    history, migration = read_one(
        folder,
        'op.create_table("t", sa.Column("id", GUID(), primary_key=True))',
        "from nowhere_app.types import GUID\n\n",
    )

    assert migration.unjudged == ()
    assert 'id safemigrate_unknown."nowhere_app.types.GUID"' in migration.upgrade[0].sql
    assert (
        '"nowhere_app" is not installed here; stand-ins took its place in 1 revision'
        in history.notices
    )


def test_what_decides_makes_what_follows_assumed(folder: ProjectFolder) -> None:
    _, migration = read_one(
        folder,
        """
        op.execute("SELECT 1")
        if settings.IS_BIG:
            op.execute("SELECT 2")
        op.execute("SELECT 3")
        """,
        "from nowhere_app import settings\n\n",
    )

    assert [one.is_assumed for one in migration.upgrade] == [False, True]
    (assumption,) = migration.assumptions
    assert "nowhere_app.settings.IS_BIG" in assumption.reason
    assert migration.text.splitlines()[assumption.line - 1].strip() == "if settings.IS_BIG:"


def test_what_the_file_decides_when_it_is_loaded_is_assumed_too(folder: ProjectFolder) -> None:
    _, migration = read_one(
        folder,
        "for name in NAMES: op.execute(name)",
        "from nowhere_app import State\nNAMES = [one.value for one in State]\n\n",
    )

    assert any("nowhere_app.State" in one.reason for one in migration.assumptions)


@pytest.mark.parametrize(
    "guard",
    [
        "try:\n    import nowhere_app\nexcept ImportError:\n    nowhere_app = None\n",
        "try:\n    import nowhere_app\nexcept (ValueError, Exception):\n    nowhere_app = None\n",
        (
            "import contextlib\nnowhere_app = None\n"
            "with contextlib.suppress(ModuleNotFoundError):\n    import nowhere_app\n"
        ),
    ],
    ids=["except", "several", "suppress"],
)
def test_an_import_that_may_fail_does(folder: ProjectFolder, guard: str) -> None:
    _, migration = read_one(folder, "op.execute(f'SELECT {nowhere_app is None}')", guard + "\n")

    assert [one.sql for one in migration.upgrade] == ["SELECT True"]
    assert migration.assumptions == ()


def test_an_installed_package_finds_out_what_is_missing(folder: ProjectFolder) -> None:
    installed = folder.root / "lib" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "some_library.py").write_text(
        "def has():\n"
        "    try:\n"
        "        return bool(__import__('nowhere_extra'))\n"
        "    except ImportError:\n"
        "        return 'no'\n"
    )
    sys.path.append(str(installed))

    _, migration = read_one(
        folder,
        "op.execute(f'SELECT {some_library.has()!r}')",
        "import some_library\n\n",
    )

    assert [one.sql for one in migration.upgrade] == ["SELECT 'no'"]
    del sys.modules["some_library"]


def test_the_package_around_the_migrations_is_the_real_one(
    folder: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.config.write_text("[alembic]\nscript_location = %(here)s/migrations\n")
    package = folder.root / "src" / "shop_of_ours"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "names.py").write_text("TABLE = 'orders'\n")
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one != str(folder.root)])

    _, migration = read_one(
        folder,
        "op.execute(f'DROP TABLE {TABLE}')",
        "from shop_of_ours.names import TABLE\n\n",
    )

    assert [one.sql for one in migration.upgrade] == ["DROP TABLE orders"]
    assert "shop_of_ours" not in sys.modules


def test_a_module_of_a_package_is_no_module_by_itself(folder: ProjectFolder) -> None:
    (folder.root / "__init__.py").write_text("")
    (folder.root / "nowhere_app.py").write_text("TABLE = 'wrong'\n")
    folder.config.write_text("[alembic]\nscript_location = %(here)s/migrations\n")

    _, migration = read_one(
        folder, "op.execute(f'DROP TABLE {TABLE}')", "from nowhere_app import TABLE\n\n"
    )

    assert [one.sql for one in migration.upgrade] == ["DROP TABLE unknown_nowhere_app_TABLE"]


def test_a_module_that_raises_keeps_what_it_has(folder: ProjectFolder) -> None:
    folder.write_module(
        "half_there.py",
        """
        from nowhere_app import connect

        FIRST = "SELECT 1"
        BROKEN = 1 / 0
        LAST = "SELECT 2"
        """,
    )

    history, migration = read_one(
        folder,
        "op.execute(half_there.FIRST)\nop.execute(half_there.LAST)",
        "import half_there\n\n",
    )

    assert [one.sql for one in migration.upgrade] == ["SELECT 1", "SELECT 2"]
    assert any("half_there" in one and "ZeroDivisionError" in one for one in history.notices)


def test_a_name_that_a_half_loaded_module_lacks_is_a_stand_in(folder: ProjectFolder) -> None:
    folder.write_module("half_there.py", "raise RuntimeError('no settings')\n")

    _, migration = read_one(
        folder,
        'op.add_column("t", sa.Column("id", GUID()))',
        "from half_there import GUID\n\n",
    )

    assert 'safemigrate_unknown."half_there.GUID"' in migration.upgrade[0].sql


def test_an_env_that_needs_the_application_runs(folder: ProjectFolder) -> None:
    env = (folder.root / "migrations" / "env.py").read_text()
    given = "connection=connection, target_metadata=Base.metadata"
    folder.write_env(
        "from nowhere_app.models import Base\n" + env.replace("connection=connection", given)
    )

    history, migration = read_one(folder, 'op.create_table("t", sa.Column("id", sa.Integer))', "")

    assert len(migration.upgrade) == 1
    assert history.is_complete
    assert (
        '"nowhere_app" is not installed here; stand-ins took its place in env.py' in history.notices
    )


def test_the_modules_are_gone_afterwards(folder: ProjectFolder) -> None:
    path = [*sys.path]

    read_one(folder, "pass", "import nowhere_app.models\n\n")

    assert not [name for name in sys.modules if name.startswith("nowhere_app")]
    assert sys.meta_path[0].__class__.__module__ != "safemigrate.source.standins_imports"
    assert [one for one in sys.path if one not in path] == [str(folder.root)]


def test_a_strict_project_has_no_stand_ins(folder: ProjectFolder) -> None:
    folder.add("one", "pass", head="import nowhere_app\n\n")

    with pytest.raises(Exception, match="nowhere_app"):
        open_project(folder.config)


def test_imports_are_made_first(folder: ProjectFolder) -> None:
    folder.write_module("first_of_all.py", "import builtins\nbuiltins.FIRST = 'SELECT 7'\n")
    folder.add("one", "op.execute(FIRST)", head="FIRST\n\n")

    (migration,) = record(read(folder, imports=("first_of_all",))).migrations

    assert [one.sql for one in migration.upgrade] == ["SELECT 7"]
    del builtins.FIRST  # type: ignore[attr-defined]  # the module has put it there


@pytest.mark.parametrize("is_lenient", [False, True], ids=["strict", "lenient"])
def test_an_import_that_fails_is_an_error_of_the_configuration(
    folder: ProjectFolder, *, is_lenient: bool
) -> None:
    with pytest.raises(ConfigError) as caught:
        open_project(folder.config, is_lenient=is_lenient, imports=("nowhere_app",))

    assert '"nowhere_app", which the key "imports" names, cannot be imported' in (
        caught.value.message
    )


@pytest.mark.parametrize(
    ("head", "body", "sql"),
    [
        ("", 'op.get_bind().execute("DELETE FROM t")', "DELETE FROM t"),
        (
            "",
            "op.get_bind().execute(sa.select([sa.column('a'), sa.column('b')]))",
            "SELECT a, b",
        ),
        (
            (
                "from sqlalchemy.orm import Session, declarative_base\n"
                "class T(declarative_base()):\n"
                "    __tablename__ = 't'\n"
                "    id: int = sa.Column(sa.Integer, primary_key=True)\n\n"
            ),
            "session = Session(bind=op.get_bind())\nsession.execute(session.query(T.id))",
            "SELECT t.id FROM t",
        ),
        (
            "",
            "sa.MetaData(bind=op.get_bind())\nop.execute('SELECT 1')",
            "SELECT 1",
        ),
    ],
    ids=["text", "list", "query", "bind"],
)
def test_what_only_sqlalchemy_1_4_takes_is_understood(
    folder: ProjectFolder, head: str, body: str, sql: str
) -> None:
    _, migration = read_one(folder, body, head)

    assert migration.unjudged == ()
    assert sql in [" ".join(one.sql.replace(" AS t_id", "").split()) for one in migration.upgrade]


def test_a_session_of_the_application_is_recorded(folder: ProjectFolder) -> None:
    _, migration = read_one(
        folder,
        "db.Session(bind=op.get_bind()).execute(sa.text('DELETE FROM t'))",
        "from nowhere_app import db\n\n",
    )

    assert [one.sql for one in migration.upgrade] == ["DELETE FROM t"]


def test_files_of_the_project_are_not_imported_twice(folder: ProjectFolder, tmp_path: Path) -> None:
    folder.write_module("counted.py", "import pathlib\nCOUNT = len(__name__)\n")
    folder.add(
        "one",
        "import counted\nop.execute(f'SELECT {counted is first}')",
        head="import counted as first\n\n",
    )

    (migration,) = record(read(folder)).migrations

    assert [one.sql for one in migration.upgrade] == ["SELECT True"]
    assert tmp_path == folder.root
