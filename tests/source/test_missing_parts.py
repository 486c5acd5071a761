"""What is not here (libraries, revisions, rows), and what is seen nevertheless."""

from safemigrate.model import History
from safemigrate.source import open_project, record
from tests.source.conftest import ProjectFolder

LIBRARY = "import no_such_library\n"


def read(folder: ProjectFolder) -> History:
    return record(open_project(folder.config, is_lenient=True))


def test_what_stands_behind_one_is_judged(folder: ProjectFolder) -> None:
    folder.add("one", 'op.sync_enum_values("a").add(1)\nop.execute("SELECT 1")', head=LIBRARY)

    (migration,) = read(folder).migrations

    assert [one.sql for one in migration.upgrade] == ["SELECT 1"]
    (unjudged,) = migration.unjudged
    assert unjudged.reason == (
        "op.sync_enum_values() is an operation of a library that is not here; what it sends is not "
        "seen"
    )
    assert "op.sync_enum_values" in migration.text.split("\n")[unjudged.line - 1]


def test_one_that_alone_is_all_there_is_is_unjudged_once(folder: ProjectFolder) -> None:
    folder.add("one", "op.sync_enum_values()", head=LIBRARY)

    (migration,) = read(folder).migrations

    assert len(migration.unjudged) == 1


def test_one_for_each_row_is_seen_to_be_there(folder: ProjectFolder) -> None:
    body = """
    for row in op.get_bind().exec_driver_sql("SELECT a FROM t"):
        op.sync_enum_values(row.a)
    """
    folder.add("one", body, head=LIBRARY)

    (migration,) = read(folder).migrations

    assert [one.reason.partition("(")[0] for one in migration.unjudged] == ["op.sync_enum_values"]


def test_who_asks_is_told_that_there_is_none(folder: ProjectFolder) -> None:
    body = """
    if not hasattr(op, "sync_enum_values") and getattr(op, "sync_enum_values", None) is None:
        op.execute("SELECT 1")
    """
    folder.add("one", body, head=LIBRARY)

    (migration,) = read(folder).migrations

    assert [one.sql for one in migration.upgrade] == ["SELECT 1"]
    assert migration.unjudged == ()


def test_where_nothing_is_missing_it_is_a_mistake(folder: ProjectFolder) -> None:
    folder.add("one", 'op.no_such_operation()\nop.execute("SELECT 1")')

    (migration,) = read(folder).migrations

    assert migration.upgrade == ()
    assert [one.reason for one in migration.unjudged] == [
        "AttributeError: module 'alembic.op' has no attribute 'no_such_operation'"
    ]


def test_one_line_has_one_reason(folder: ProjectFolder) -> None:
    folder.add("one", "[*no_such_library.a, *no_such_library.b, *no_such_library.c]", head=LIBRARY)

    (migration,) = read(folder).migrations

    assert [one.reason for one in migration.assumptions] == [
        'uses "no_such_library.a", which cannot be loaded here'
    ]


def test_one_line_has_one_reason_while_it_is_loaded(folder: ProjectFolder) -> None:
    folder.add("one", "pass", head=f"{LIBRARY}X = [*no_such_library.a, *no_such_library.b]\n")

    (migration,) = read(folder).migrations

    assert [one.reason for one in migration.assumptions] == [
        'uses "no_such_library.a", which cannot be loaded here'
    ]


def test_a_module_that_a_missing_setting_names_is_a_stand_in(folder: ProjectFolder) -> None:
    body = """
    storage = importlib.import_module(no_such_library.settings.storage)
    storage.Storage().wipe()
    assert importlib.import_module(".abc", package="collections").Set
    op.execute("SELECT 1")
    """
    folder.add("one", body, head=f"{LIBRARY}import importlib\n")

    (migration,) = read(folder).migrations

    assert [(one.sql, one.is_assumed) for one in migration.upgrade] == [("SELECT 1", True)]
    assert migration.unjudged == ()


def test_a_missing_time_zone_is_taken_for_one(folder: ProjectFolder) -> None:
    body = """
    midnight = datetime(2000, 1, 1, tzinfo=no_such_library.utc)
    assert midnight.astimezone(timezone.utc).isoformat() == "2000-01-01T00:00:00+00:00"
    assert datetime.now(no_such_library.utc) > midnight
    op.execute(sa.text("SELECT :at").bindparams(at=midnight))
    """
    folder.add("one", body, head=f"{LIBRARY}from datetime import datetime, timezone\n")

    (migration,) = read(folder).migrations

    assert [(one.sql, one.is_assumed) for one in migration.upgrade] == [("SELECT $1", True)]
    assert migration.unjudged == ()


def test_each_file_that_imports_what_is_missing_is_counted(folder: ProjectFolder) -> None:
    folder.add("one", "pass", head=LIBRARY)
    folder.add("two", "pass", head="from no_such_library import a\n")
    folder.add("three", "pass", head="try:\n    import no_such_library\nexcept ImportError: ...\n")

    assert read(folder).notices == (
        '"no_such_library" is not installed here; stand-ins took its place in 2 revisions',
    )


def test_a_history_with_a_gap_is_not_complete(folder: ProjectFolder) -> None:
    folder.add("one", "pass")
    assert read(folder).is_complete

    folder.add("two", "pass", down=("one", "gone"))

    assert not read(folder).is_complete


def test_what_the_orm_changes_for_each_row_is_seen(folder: ProjectFolder) -> None:
    body = """
    class Person(declarative_base()):
        __tablename__ = "person"
        id = sa.Column(sa.Integer, primary_key=True)
        email = sa.Column(sa.String)
        age = sa.Column(sa.String)

    session = Session(bind=op.get_bind())
    for person in session.query(Person):
        assert int(person.age) and float(person.age)
        person.email = person.email.lower()
    session.commit()
    """
    folder.add("one", body, head="from sqlalchemy.orm import Session, declarative_base\n")

    (migration,) = read(folder).migrations

    assert migration.upgrade[-1].sql.startswith("UPDATE person SET email=")
    assert migration.upgrade[-1].is_assumed
    assert migration.unjudged == ()
