"""The naming convention that env.py hands to Alembic."""

from pathlib import Path

import pytest
from sqlalchemy import Index, MetaData, PrimaryKeyConstraint

from safemigrate.source import open_project, record
from safemigrate.source.conventions import read_naming_convention

ENV = """
from alembic import context
from sqlalchemy import MetaData, create_engine

convention = {convention}
with create_engine("postgresql://").connect() as connection:
    context.configure(connection=connection, target_metadata=MetaData(naming_convention=convention))
    context.run_migrations()
"""


def test_the_convention_of_the_metadata_is_the_historys(tmp_path: Path) -> None:
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/m\n")
    (tmp_path / "m/versions").mkdir(parents=True)
    env = tmp_path / "m/env.py"
    for convention in ({"ix": "ix_%(table_name)s_%(column_0_name)s"}, None):
        env.write_text(ENV.format(convention=convention))
        history = record(open_project(tmp_path / "alembic.ini"))
        assert history.naming_convention == (convention or {})


def test_classes_are_called_by_their_short_keys() -> None:
    metadata = MetaData(
        naming_convention={Index: "i_%(column_0_label)s", PrimaryKeyConstraint: "p"}
    )
    assert read_naming_convention(metadata) == {"ix": "i_%(column_0_label)s", "pk": "p"}


def test_what_only_code_can_tell_is_left_out() -> None:
    metadata = MetaData(
        naming_convention={
            "guid": lambda constraint, table: f"{table.name}{constraint}",
            "uq": "uq_%(guid)s",
            "ix": lambda index, table: f"{table.name}{index}",
            "all_columns": "x",
        }
    )
    assert read_naming_convention(metadata) == {"uq": "uq_%(guid)s"}


@pytest.mark.parametrize("given", [None, object(), [], MetaData(), [MetaData()], "text"])
def test_a_project_without_a_convention_has_none(given: object) -> None:
    assert read_naming_convention(given) == {}


def test_of_several_the_first_that_says_something_counts() -> None:
    second = MetaData(naming_convention={"pk": "pk_%(table_name)s"})
    third = MetaData(naming_convention={"pk": "other"})
    assert read_naming_convention([MetaData(), second, third]) == {"pk": "pk_%(table_name)s"}
