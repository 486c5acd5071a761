"""Where statements come from, and what the code of the project reads."""

import pytest

from safemigrate.source import tape as tape_module
from safemigrate.source.places import is_project_code
from safemigrate.source.tape import Passage
from tests.source.conftest import ProjectFolder

HELPERS = """
def outer(op):
    inner(op)
    op.execute("SELECT 3")


def inner(op):
    op.execute("SELECT 2")
"""


def test_helper_is_the_innermost_place_of_the_project(folder: ProjectFolder) -> None:
    folder.write_module("application.py", HELPERS)
    folder.add(
        "one",
        """
        outer(op)
        op.execute("SELECT 4")
        def local():
            op.execute("SELECT 5")
        local()
        """,
        head="from application import outer\n\n\n",
    )

    (migration,) = folder.record().migrations

    assert [(one.sql, one.span.line, one.helper) for one in migration.upgrade] == [
        ("SELECT 2", 16, "application.py:8"),
        ("SELECT 3", 16, "application.py:4"),
        ("SELECT 4", 17, ""),
        ("SELECT 5", 19, ""),
    ]


def test_callback_of_the_revision_has_its_own_place(folder: ProjectFolder) -> None:
    folder.write_module("application.py", "def call(function):\n    function()\n")
    folder.add(
        "one",
        'call(lambda: op.execute("SELECT 2"))',
        head="from application import call\n\n\n",
    )

    (migration,) = folder.record().migrations

    assert [(one.span.line, one.helper) for one in migration.upgrade] == [(16, "")]


def test_batch_of_a_helper_has_the_helper(folder: ProjectFolder) -> None:
    folder.write_module(
        "application.py",
        "import sqlalchemy as sa\n"
        "def add(batch):\n"
        "    batch.add_column(sa.Column('x', sa.Integer))\n",
    )
    folder.add(
        "one",
        'with op.batch_alter_table("t") as batch:\n    add(batch)',
        head="from application import add\n\n\n",
    )

    (migration,) = folder.record().migrations

    assert [(one.span.line, one.helper) for one in migration.upgrade] == [(17, "application.py:3")]


def test_code_of_others_is_not_the_projects() -> None:
    assert not is_project_code(str(pytest.__file__))
    assert not is_project_code(str(threading_file()))
    assert not is_project_code(str(tape_module.__file__))
    assert not is_project_code("<string>")
    assert not is_project_code("/srv/application/migrations/env.py")
    assert is_project_code("/srv/application/models.py")


def threading_file() -> str:
    import threading  # noqa: PLC0415 - any module of Python's own

    return threading.__file__


@pytest.mark.parametrize(
    ("body", "reads"),
    [
        ("op.get_bind().dialect.name", True),
        ("op.get_bind().engine.name", True),
        ("context.get_context().dialect.name", True),
        ("op.get_context().impl.dialect.name", True),
        ("is_postgres(op)", True),
        ("op.create_table('t', sa.Column('a', sa.Enum('x', name='e')))", False),
        ("op.get_bind().dialect.server_version_info", False),
    ],
)
def test_reading_the_dialect_is_noticed(
    folder: ProjectFolder, monkeypatch: pytest.MonkeyPatch, body: str, *, reads: bool
) -> None:
    played: list[Passage] = []
    playing = tape_module.Tape.playing

    def watch(tape: tape_module.Tape, passage: Passage, *rest: object) -> object:
        played.append(passage)
        return playing(tape, passage, *rest)  # type: ignore[arg-type]  # handed on as it is

    monkeypatch.setattr(tape_module.Tape, "playing", watch)
    folder.write_module(
        "application.py",
        "def is_postgres(op):\n    return op.get_bind().dialect.name == 'postgresql'\n",
    )
    folder.add("one", body, head="from application import is_postgres\n\n\n")

    folder.record()

    assert played[0].reads_dialect is reads
    assert not played[1].reads_dialect
