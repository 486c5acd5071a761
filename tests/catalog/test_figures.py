"""What a server says of its relations, its disk and its replicas."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy.engine import make_url

from safemigrate.catalog import Ask
from safemigrate.catalog.figures import (
    compose_sample,
    read_disk,
    read_figures,
    read_replicas,
    read_sample,
)
from safemigrate.model import QualifiedName

Session = psycopg.Connection[tuple[object, ...]]
Connect = Callable[[], Session]


@pytest.fixture
def connect(database: str) -> Iterator[Connect]:
    """Open sessions, which are closed with the test."""
    url = make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
    opened: list[Session] = []

    def connect() -> Session:
        opened.append(psycopg.connect(url, autocommit=True))
        return opened[-1]

    yield connect
    for session in opened:
        session.close()


def asking(session: Session) -> Ask:
    def ask(sql: str) -> Sequence[Sequence[object]]:
        cursor = session.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []

    return ask


T = QualifiedName("public", "t")


def test_sizes_and_rows_are_the_servers(connect: Connect) -> None:
    session = connect()
    session.execute("CREATE TABLE t (id int PRIMARY KEY, x text); CREATE INDEX ON t (x)")
    session.execute("INSERT INTO t SELECT g, 'x' FROM generate_series(1, 5000) AS g")
    session.execute("ANALYZE t")
    figures = read_figures(asking(session), [T])[T]
    total, heap = session.execute(
        "SELECT pg_total_relation_size('t'), pg_relation_size('t')"
    ).fetchall()[0]
    assert (figures.size_bytes, figures.heap_bytes) == (total, heap)
    assert figures.rows == 5000
    assert figures.index_count == 2
    assert figures.page_bytes == 8192
    assert figures.tablespace == ""
    assert not figures.is_estimated


def test_rows_that_nobody_has_counted_are_not_known(connect: Connect) -> None:
    session = connect()
    session.execute("CREATE TABLE t (id int) WITH (autovacuum_enabled = off)")
    assert read_figures(asking(session), [T])[T].rows is None


def test_names_are_taken_as_they_are(connect: Connect) -> None:
    session = connect()
    session.execute('CREATE SCHEMA "O\'Neil"; CREATE TABLE "O\'Neil"."100% :a" (id int)')
    name, other = QualifiedName("O'Neil", "100% :a"), QualifiedName("public", "not there")
    figures = read_figures(asking(session), [name, other, QualifiedName(None, "t")])
    assert list(figures) == [name]
    rows = session.execute(compose_sample(figures[name]).encode()).fetchall()
    assert read_sample(figures[name], rows) is not None


def test_nothing_is_asked_for_nothing() -> None:
    assert read_figures(pytest.fail, []) == {}


def test_a_table_that_is_locked_is_not_waited_for(connect: Connect) -> None:
    session, holder = connect(), connect()
    session.execute("CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 5000)")
    session.execute("VACUUM t")
    free = read_figures(asking(session), [T])[T]
    session.execute("SET lock_timeout = 1")
    with holder.transaction():
        holder.execute("LOCK TABLE t")
        locked = read_figures(asking(session), [T])[T]
    assert locked.is_estimated
    assert locked.heap_bytes == free.heap_bytes
    assert locked.rows == 5000


def test_views_and_partitioned_tables_have_no_rows_to_read(connect: Connect) -> None:
    session = connect()
    session.execute("CREATE TABLE t (id int) PARTITION BY LIST (id)")
    session.execute("CREATE VIEW v AS SELECT 1")
    for figures in read_figures(asking(session), [T, QualifiedName("public", "v")]).values():
        assert not figures.has_rows
        assert figures.size_bytes == 0


@pytest.mark.parametrize("rows", [1, 20_000, 400_000])
def test_a_sample_reads_few_pages_and_answers_for_all(connect: Connect, rows: int) -> None:
    session = connect()
    session.execute("CREATE TABLE t (id int)")
    session.execute(b"INSERT INTO t SELECT generate_series(1, %d)" % rows)
    figures = read_figures(asking(session), [T])[T]
    pages = figures.heap_bytes // 8192
    plan = session.execute(compose_sample(figures).replace("BUFFERS OFF", "BUFFERS").encode())
    text = "\n".join(str(line) for (line,) in plan.fetchall())
    assert text.count("Tid Range Scan") == (3 if pages > 192 else 1)
    seconds = read_sample(figures, [(line,) for line in text.splitlines()])
    assert seconds is not None
    assert seconds > 0
    twice = replace(figures, heap_bytes=max(figures.heap_bytes, 192 * 8192) * 2)
    few = "Execution Time: 10.0 ms"
    assert read_sample(twice, [(few,)]) == pytest.approx(0.01 * twice.heap_bytes / 8192 / 192)


def test_an_answer_without_a_time_is_none(connect: Connect) -> None:
    session = connect()
    session.execute("CREATE TABLE t (id int)")
    assert read_sample(read_figures(asking(session), [T])[T], [("Seq Scan",)]) is None


def test_the_disk_of_a_server_on_this_machine(connect: Connect) -> None:
    session = connect()
    disk = read_disk(asking(session))
    assert disk.is_local
    assert disk.data_directory == session.execute("SHOW data_directory").fetchall()[0][0]
    session.execute("CREATE ROLE nobody_yet")
    try:
        session.execute("SET ROLE nobody_yet")
        assert read_disk(asking(session)).data_directory is None
    finally:
        session.execute("RESET ROLE")
        session.execute("DROP ROLE nobody_yet")


def test_a_server_that_feeds_nobody_has_no_replicas(connect: Connect) -> None:
    assert read_replicas(asking(connect())) == ()
