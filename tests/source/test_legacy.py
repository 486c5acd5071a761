"""What only SQLAlchemy 1.4 takes is read, and the reader is told."""

import pytest

from safemigrate.source import open_project, record
from tests.source.conftest import ProjectFolder


@pytest.mark.parametrize(
    ("body", "spelling"),
    [
        ("op.get_bind().execute('SELECT 2')", "execute() of plain text"),
        ("op.get_bind().execute(sa.select([sa.text('2')]))", "select([…])"),
        ("sa.MetaData(bind=op.get_bind())\nop.execute('SELECT 2')", "MetaData(bind=…)"),
    ],
)
def test_spelling_of_sqlalchemy_1_is_read_and_told(
    folder: ProjectFolder, body: str, spelling: str
) -> None:
    folder.add("one", body)

    history = record(open_project(folder.config, is_lenient=True))

    assert [one.sql for one in history.migrations[0].upgrade] == ["SELECT 2"]
    (notice,) = history.notices
    assert notice == (
        f'the project uses what SQLAlchemy 2 took away ("{spelling}"); it is read as SQLAlchemy '
        "1.4 runs it"
    )


def test_what_is_written_for_sqlalchemy_2_needs_no_word(folder: ProjectFolder) -> None:
    folder.add("one", "op.get_bind().execute(sa.select(sa.text('2')))")

    assert record(open_project(folder.config, is_lenient=True)).notices == ()
