"""Revisions and modules that run as far as they go, where what they need is not here."""

import pytest

from safemigrate.model import Migration
from safemigrate.source import open_project, record
from tests.source.conftest import ProjectFolder

STATES = """
    from nowhere_protocol import Value

    class State:
        OPEN = Value("OPEN")
        NAMES = dict(Value.items())

        @staticmethod
        def name_of(state):
            if state not in State.NAMES:
                raise LookupError(f"no name for {state}")
            return State.NAMES[state]
    """


def read_one(folder: ProjectFolder, body: str, head: str) -> Migration:
    folder.add("one", body, head=head)
    (migration,) = record(open_project(folder.config, is_lenient=True)).migrations
    return migration


def test_a_revision_does_without_what_a_helper_cannot_give(folder: ProjectFolder) -> None:
    folder.write_module("own_states.py", STATES)
    migration = read_one(
        folder,
        """
        op.execute("SELECT 1")
        op.execute(f"SELECT '{names[0]}'")
        op.execute("SELECT 3")
        """,
        "from own_states import State\n\nnames = [State.name_of(State.OPEN), 'closed']\n\n",
    )

    assert migration.unjudged == ()
    assert [one.is_assumed for one in migration.upgrade] == [False, True, True]
    assert migration.upgrade[1].sql == "SELECT 'unknown_own_states_State_name_of'"
    told = next(one for one in migration.assumptions if "does without" in one.reason)
    assert told.reason.startswith(
        'does without what "own_states.State.name_of" gives, for LookupError: no name for unknown'
    )
    assert migration.text.splitlines()[told.line - 1].startswith("names = ")


def test_the_class_of_a_revision_keeps_its_other_columns(folder: ProjectFolder) -> None:
    folder.write_module("own_states.py", STATES)
    migration = read_one(
        folder,
        "op.execute(sa.delete(T).where(T.id == 5))",
        (
            "from own_states import State\n"
            "from sqlalchemy.orm import declarative_base\n\n"
            "class T(declarative_base()):\n"
            "    __tablename__ = 't'\n"
            "    id = sa.Column(sa.Integer, primary_key=True)\n"
            "    state = sa.Column(sa.Text, default=State.name_of(State.OPEN))\n\n"
        ),
    )

    assert migration.unjudged == ()
    assert [one.sql for one in migration.upgrade] == ["DELETE FROM t WHERE t.id = $1"]


@pytest.mark.parametrize(
    "head",
    [
        "import nowhere_app\nnumbers = [int('no number')]\n\n",
        "import nowhere_app\nsa.Integer(display_width=1)\n\n",
        "import nowhere_app\nnames = ['a'][5]\n\n",
        "import nowhere_app\ndef fail():\n    raise ValueError\nfound = fail()\n\n",
    ],
    ids=["built in", "SQLAlchemy", "own line", "own function"],
)
def test_a_mistake_of_the_revision_itself_stays_one(folder: ProjectFolder, head: str) -> None:
    migration = read_one(folder, "pass", head)

    assert "cannot be loaded" in migration.unjudged[0].reason


def test_a_helper_that_raises_where_everything_is_here_is_told(folder: ProjectFolder) -> None:
    folder.write_module("own_helper.py", "def give():\n    raise ValueError('no')\n")

    migration = read_one(folder, "pass", "from own_helper import give\nfound = give()\n\n")

    (entry,) = migration.unjudged
    assert entry.reason == "cannot be loaded: ValueError: no"
    assert migration.text.splitlines()[entry.line - 1] == "found = give()"


def test_a_mapped_class_of_a_module_is_there_for_its_relations(folder: ProjectFolder) -> None:
    folder.write_module("own_states.py", STATES)
    folder.write_module(
        "own_models.py",
        """
        import sqlalchemy as sa
        from sqlalchemy.orm import declarative_base, relationship
        from own_states import State

        Base = declarative_base()
        STATES = [State.name_of(State.OPEN)]

        class Run(Base):
            __tablename__ = "run"
            id = sa.Column(sa.Integer, primary_key=True)
            state = sa.Column(sa.Text, default=State.name_of(State.OPEN))
            __table_args__ = (sa.CheckConstraint(state.in_(STATES)),)

        class Tag(Base):
            __tablename__ = "tag"
            id = sa.Column(sa.Integer, primary_key=True)
            run_id = sa.Column(sa.Integer, sa.ForeignKey("run.id"))
            run = relationship("Run")
        """,
    )

    migration = read_one(
        folder,
        "op.get_bind().execute(sa.delete(Tag).where(Tag.id == 1))",
        "from own_models import Tag\n\n",
    )

    assert migration.unjudged == ()
    assert [one.sql for one in migration.upgrade] == ["DELETE FROM tag WHERE tag.id = $1"]


def test_a_table_of_a_database_that_is_not_here_has_no_columns(folder: ProjectFolder) -> None:
    migration = read_one(
        folder,
        """
        table = sa.Table("t", sa.MetaData(), autoload_with=db.engine)
        op.execute(f"SELECT {len(table.columns)}")
        """,
        "from nowhere_app import db\n\n",
    )

    assert migration.unjudged == ()
    assert [(one.sql, one.is_assumed) for one in migration.upgrade] == [("SELECT 0", True)]
