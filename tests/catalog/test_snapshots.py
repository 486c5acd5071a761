"""The file of a snapshot."""

import json

import pytest

from safemigrate.catalog import (
    CatalogSnapshot,
    TableSize,
    decode_snapshot,
    encode_snapshot,
    is_snapshot,
)
from safemigrate.errors import SourceError, SqlSyntaxError
from safemigrate.model import NEWEST_VERSION, OLDEST_VERSION, QualifiedName, ServerVersion

RECIPE = QualifiedName("public", "recipe")
SNAPSHOT = CatalogSnapshot(
    server_version=ServerVersion(16),
    statements=("CREATE TABLE public.recipe (id bigint NOT NULL)",),
    sizes={RECIPE: TableSize(120, 8192), QualifiedName("app", "a"): TableSize(None, 0)},
    revisions=("bbbb",),
)


def change(**keys: object) -> str:
    return json.dumps(json.loads(encode_snapshot(SNAPSHOT)) | keys)


def test_what_is_written_is_read_back() -> None:
    text = encode_snapshot(SNAPSHOT)
    assert is_snapshot(text)
    assert decode_snapshot(text, "snapshot.json") == SNAPSHOT
    assert text.endswith("}\n")


def test_the_keys_are_a_contract() -> None:
    assert json.loads(encode_snapshot(SNAPSHOT)) == {
        "version": 1,
        "pg_version": 16,
        "revisions": ["bbbb"],
        "statements": ["CREATE TABLE public.recipe (id bigint NOT NULL)"],
        "unread": [],
        "tables": [
            {"schema": "app", "name": "a", "row_count": None, "size_bytes": 0},
            {"schema": "public", "name": "recipe", "row_count": 120, "size_bytes": 8192},
        ],
    }


def test_the_catalog_has_the_sizes() -> None:
    table = SNAPSHOT.catalog().tables[RECIPE]
    assert (table.row_count, table.size_bytes) == (120, 8192)


@pytest.mark.parametrize("text", ["", "CREATE TABLE t ();", "-- {", "[]"])
def test_sql_is_no_snapshot(text: str) -> None:
    assert not is_snapshot(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", '"s.json" is not a snapshot: input data was truncated'),
        ("{}", '"s.json" is not a snapshot: object missing required field version'),
        (change(version=2), '"s.json" is a snapshot of version 2, which is not known here'),
        (change(rows=1), '"s.json" is not a snapshot: object contains unknown field rows'),
        (change(statements=[1]), "expected str, got int - at $.statements[0]"),
        (change(tables=[{"schema": "a"}]), "at $.tables[0]"),
    ],
)
def test_a_file_that_is_none_is_refused_in_words(text: str, problem: str) -> None:
    with pytest.raises(SourceError) as caught:
        decode_snapshot(text, "s.json")
    assert problem in caught.value.message
    assert "safemigrate snapshot" in caught.value.hint


def test_a_statement_that_does_not_parse_is_named() -> None:
    snapshot = decode_snapshot(change(statements=["CREATE TABEL t ()"]), "s.json")
    with pytest.raises(SqlSyntaxError, match=r'"s\.json" line 1'):
        snapshot.catalog("s.json")


@pytest.mark.parametrize(("major", "judged"), [(13, OLDEST_VERSION), (19, NEWEST_VERSION)])
def test_a_version_that_is_not_known_is_the_nearest_that_is(
    major: int, judged: ServerVersion
) -> None:
    assert decode_snapshot(change(pg_version=major), "s.json").server_version == judged
