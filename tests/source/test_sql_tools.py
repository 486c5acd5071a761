"""Directories that other tools keep: which file runs when, which way, and in which transaction."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from safemigrate.cli.group import group
from safemigrate.errors import SourceError, UsageError
from safemigrate.model import DowngradeKind, History, Migration, Span
from safemigrate.source import has_sql, read_sql_files
from safemigrate.source.sql_tools.reading import LAYOUTS, VAGUE_LAYOUTS

Row = tuple[str, str, int | None]


def fill(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def read(folder: Path, files: Mapping[str, str]) -> History:
    return read_sql_files([fill(folder, files)])


def rows(migration: Migration) -> list[Row]:
    return [
        (one.direction.value, one.sql, one.transaction)
        for one in (*migration.upgrade, *migration.downgrade)
    ]


def table(history: History, folder: Path) -> dict[str, list[Row]]:
    return {Path(one.path).relative_to(folder).as_posix(): rows(one) for one in history.migrations}


def faults(history: History) -> list[tuple[str, int, str]]:
    return [
        (Path(one.path).name, one.line, one.reason)
        for migration in history.migrations
        for one in migration.unjudged
    ]


def test_goose(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "10_index.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n"
            "CREATE INDEX CONCURRENTLY i ON t (a);\nSELECT 2;\n"
            "-- +goose Down\nDROP INDEX CONCURRENTLY i;\n",
            "2_table.sql": "-- +goose Up\nCREATE TABLE t (a int);\n"
            "-- +goose StatementBegin\nDO $$ BEGIN NULL; END $$;\n-- +goose StatementEnd\n"
            "-- +goose Down\nDROP TABLE t;\n",
        },
    )

    assert table(history, tmp_path) == {
        "2_table.sql": [
            ("upgrade", "CREATE TABLE t (a int)", 1),
            ("upgrade", "DO $$ BEGIN NULL; END $$", 1),
            ("downgrade", "DROP TABLE t", 1),
        ],
        "10_index.sql": [
            ("upgrade", "CREATE INDEX CONCURRENTLY i ON t (a)", None),
            ("upgrade", "SELECT 2", None),
            ("downgrade", "DROP INDEX CONCURRENTLY i", None),
        ],
    }
    first, second = history.migrations
    assert [one.span for one in (*first.upgrade, *first.downgrade)] == [
        Span(2, 1, 2, 23),
        Span(4, 1, 4, 25),
        Span(7, 1, 7, 13),
    ]
    assert (first.upgrade_line, first.downgrade_line) == (1, 6)
    assert first.downgrade_kind is DowngradeKind.PRESENT
    assert (first.runner, second.runner) == ("goose", "")
    assert history.notices == (
        "read as goose migrations: one transaction a file, but for those with NO TRANSACTION",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1;\n", [(1, 'there is no "-- +goose Up"')]),
        (
            "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n-- +goose Down\nSELECT 2;\n",
            [(2, "StatementBegin has no StatementEnd")],
        ),
        (
            "-- +goose Up\n-- +goose StatementEnd\n",
            [(2, "StatementEnd has no StatementBegin")],
        ),
        ("-- +goose Up\n-- +goose Upp\n", [(2, 'it does not know "+goose Upp"')]),
        ("-- +goose Up\n-- +goose up\n", [(2, '"+goose up" stands there twice')]),
        (
            "-- +goose Down\n-- +goose Up\n",
            [(1, "its section down stands before the one up")],
        ),
        (
            "-- +goose Up\nSELECT 1;\nSELECT\n2 -- two;\n-- +goose Down\nSELECT 3\n",
            [
                (3, "the statement has no semicolon at its end"),
                (6, "the statement has no semicolon at its end"),
            ],
        ),
    ],
)
def test_goose_file_with_faults(tmp_path: Path, text: str, expected: list[tuple[int, str]]) -> None:
    history = read(tmp_path, {"1_a.sql": "-- +goose Up\nSELECT 1;\n", "2_b.sql": text})

    assert faults(history) == [
        ("2_b.sql", line, f"goose refuses the file: {reason}") for line, reason in expected
    ]
    assert rows(history.migrations[0]) == [("upgrade", "SELECT 1", 1)]


def test_goose_needs_no_semicolon_at_the_end_of_a_block(tmp_path: Path) -> None:
    text = (
        "-- +goose Up\nSELECT 1 -- one\n; -- and\n-- +goose StatementBegin\nSELECT 2\n"
        "-- +goose StatementEnd\n-- +goose Down\n-- nothing\n"
    )
    history = read(tmp_path, {"1_a.sql": text})

    assert faults(history) == []


def test_goose_file_without_number_is_named(tmp_path: Path) -> None:
    history = read(tmp_path, {"1_a.sql": "-- +goose Up\n", "seed.sql": "SELECT 1;\n"})

    assert [Path(one.path).name for one in history.migrations] == ["1_a.sql"]
    assert history.notices[1:] == ('1 file that goose does not run: "seed.sql"',)


def test_version_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    files = {"1_a.sql": "-- +goose Up\n", "001_b.sql": "-- +goose Up\n"}

    with pytest.raises(SourceError, match=r'001_b\.sql" and ".*1_a\.sql" are both version "1"'):
        read(tmp_path, files)


def test_dbmate(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "20240102_b.sql": "-- migrate:up transaction:false\nVACUUM t;\n"
            "-- migrate:down transaction:false\nSELECT 3;\nSELECT 4;\n",
            "20240101_a.sql": "-- about it\n\n-- migrate:up\nSELECT 1;\nSELECT 2;\n"
            "\n-- migrate:down\nSELECT 3;\n",
        },
    )

    assert table(history, tmp_path) == {
        "20240101_a.sql": [
            ("upgrade", "SELECT 1", 1),
            ("upgrade", "SELECT 2", 1),
            ("downgrade", "SELECT 3", 1),
        ],
        "20240102_b.sql": [
            ("upgrade", "VACUUM t", None),
            ("downgrade", "SELECT 3", 1),
            ("downgrade", "SELECT 4", 1),
        ],
    }
    assert history.migrations[0].downgrade[0].span == Span(8, 1, 8, 9)


def test_dbmate_file_with_faults(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "1_a.sql": "-- migrate:up fast:true\nSELECT 1;\n-- migrate:sideways\nSELECT 2;\n",
            "2_b.sql": "-- migrate:down\nSELECT 1;\n",
        },
    )

    assert faults(history) == [
        ("1_a.sql", 1, 'dbmate refuses the file: it does not know "fast:true"'),
        ("1_a.sql", 3, 'dbmate refuses the file: it does not know "migrate:sideways"'),
        ("2_b.sql", 1, 'dbmate refuses the file: there is no "-- migrate:up"'),
    ]


def test_node_pg_migrate(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "1700000000000_a.sql": "-- Up Migration\nSELECT 1;\n\n-- Down Migration\nSELECT 2;\n",
            "1600000000000_b.sql": "-- Up Migration\nSELECT 0;\n",
            "1500000000000_c.sql": "SELECT 3;\n",
        },
    )

    assert table(history, tmp_path) == {
        "1500000000000_c.sql": [("upgrade", "SELECT 3", 1)],
        "1600000000000_b.sql": [("upgrade", "SELECT 0", 1)],
        "1700000000000_a.sql": [("upgrade", "SELECT 1", 1), ("downgrade", "SELECT 2", 1)],
    }


def test_tern(tmp_path: Path) -> None:
    line = "---- create above / drop below ----"
    history = read(
        tmp_path,
        {
            "002_b.sql": "---- tern: disable-tx ----\nSELECT 3;\n",
            "001_a.sql": f"SELECT 1;\n\n{line}\n\nSELECT 2;\n",
        },
    )

    assert table(history, tmp_path) == {
        "001_a.sql": [("upgrade", "SELECT 1", 1), ("downgrade", "SELECT 2", 1)],
        "002_b.sql": [("upgrade", "SELECT 3", None)],
    }
    assert history.migrations[0].downgrade_line == 3


def test_golang_migrate_sends_a_file_as_one_string(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "10_b.up.sql": "CREATE INDEX CONCURRENTLY i ON t (a);",
            "10_b.down.sql": "SELECT 1; COMMIT; SELECT 2; BEGIN; SELECT 3; COMMIT;",
            "2_a.up.sql": "SELECT 1; SELECT 2;",
            "2_a.down.sql": "BEGIN; SELECT 3; COMMIT;",
            "README.sql": "SELECT 0;",
        },
    )

    assert table(history, tmp_path) == {
        "2_a.up.sql": [("upgrade", "SELECT 1", 1), ("upgrade", "SELECT 2", 1)],
        "2_a.down.sql": [
            ("downgrade", "BEGIN", 1),
            ("downgrade", "SELECT 3", 1),
            ("downgrade", "COMMIT", 1),
        ],
        "10_b.up.sql": [("upgrade", "CREATE INDEX CONCURRENTLY i ON t (a)", None)],
        "10_b.down.sql": [
            ("downgrade", "SELECT 1", 1),
            ("downgrade", "COMMIT", 1),
            ("downgrade", "SELECT 2", 2),
            ("downgrade", "BEGIN", 2),
            ("downgrade", "SELECT 3", 2),
            ("downgrade", "COMMIT", 2),
        ],
    }
    up, down = history.migrations[:2]
    assert (up.reverses, down.reverses) == ("", up.path)
    assert down.downgrade_kind is DowngradeKind.PRESENT
    assert history.notices == (
        (
            "read as golang-migrate migrations: "
            "each file is one string, so several statements are one transaction"
        ),
        '1 file that golang-migrate does not run: "README.sql"',
    )


def test_way_down_without_a_way_up_is_told(tmp_path: Path) -> None:
    history = read(tmp_path, {"1_a.up.sql": "SELECT 1;", "2_b.down.sql": "SELECT 2;"})

    assert table(history, tmp_path)["2_b.down.sql"] == [("downgrade", "SELECT 2", None)]
    assert history.migrations[1].downgrade_kind is DowngradeKind.NOT_APPLICABLE
    assert "2_b.down.sql" in history.notices[1]


@pytest.mark.parametrize(
    ("cargo", "first"), [('[dependencies]\nsqlx = "0.8"\n', ""), ("", "-- no-transaction\n")]
)
def test_sqlx_pairs_are_told_by_what_is_around_them(tmp_path: Path, cargo: str, first: str) -> None:
    fill(tmp_path, {"Cargo.toml": cargo})
    folder = tmp_path / "migrations"
    history = read(
        folder,
        {
            "10_b.up.sql": f"{first}SELECT 2; SELECT 3;",
            "9_a.up.sql": "SELECT 1;",
            "9_a.down.sql": "SELECT 0;",
        },
    )

    assert table(history, folder) == {
        "9_a.up.sql": [("upgrade", "SELECT 1", 1)],
        "9_a.down.sql": [("downgrade", "SELECT 0", 1)],
        "10_b.up.sql": [("upgrade", "SELECT 2", 1), ("upgrade", "SELECT 3", 1)],
    }
    assert history.notices[0].startswith("read as sqlx migrations: ")


def test_sqlx_files_that_only_go_up(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "10_b.sql": "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON t (a);",
            "9_a.sql": "SELECT 1;",
        },
    )

    assert table(history, tmp_path) == {
        "9_a.sql": [("upgrade", "SELECT 1", 1)],
        "10_b.sql": [("upgrade", "CREATE INDEX CONCURRENTLY i ON t (a)", None)],
    }


def test_diesel(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "2024-01-02-000000_b/up.sql": "VACUUM t;",
            "2024-01-02-000000_b/metadata.toml": "run_in_transaction = false\n",
            "2024-01-01-000000_a/up.sql": "SELECT 1; SELECT 2;",
            "2024-01-01-000000_a/down.sql": "SELECT 3;",
        },
    )

    assert table(history, tmp_path) == {
        "2024-01-01-000000_a/up.sql": [("upgrade", "SELECT 1", 1), ("upgrade", "SELECT 2", 1)],
        "2024-01-01-000000_a/down.sql": [("downgrade", "SELECT 3", 1)],
        "2024-01-02-000000_b/up.sql": [("upgrade", "VACUUM t", None)],
    }


def test_diesel_metadata_that_is_no_toml_is_named(tmp_path: Path) -> None:
    files = {"1_a/up.sql": "SELECT 1;", "1_a/metadata.toml": "run in transaction\n"}

    with pytest.raises(SourceError, match=r'metadata\.toml" is no TOML'):
        read(tmp_path, files)


def test_flyway(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "V1_10__b.sql": "CREATE INDEX CONCURRENTLY i ON t (a); DROP INDEX CONCURRENTLY j;",
            "V1.9__a.sql": "SELECT 1;",
            "U1.9__a.sql": "SELECT 2;",
            "more/V2__c.sql": "SELECT 3;",
            "more/V2__c.sql.conf": "executeInTransaction=false\n",
            "R__z.sql": "SELECT 5;",
            "R__y.sql": "SELECT 4;",
            "B1__base.sql": "SELECT 9;",
            "data.sql": "SELECT 8;",
            "V3__mixed.sql": "VACUUM t; SELECT 6;",
        },
    )

    assert table(history, tmp_path) == {
        "B1__base.sql": [("upgrade", "SELECT 9", 1)],
        "V1.9__a.sql": [("upgrade", "SELECT 1", 1)],
        "U1.9__a.sql": [("downgrade", "SELECT 2", 1)],
        "V1_10__b.sql": [
            ("upgrade", "CREATE INDEX CONCURRENTLY i ON t (a)", None),
            ("upgrade", "DROP INDEX CONCURRENTLY j", None),
        ],
        "more/V2__c.sql": [("upgrade", "SELECT 3", None)],
        "V3__mixed.sql": [("upgrade", "VACUUM t", None), ("upgrade", "SELECT 6", None)],
        "R__y.sql": [("upgrade", "SELECT 4", 1)],
        "R__z.sql": [("upgrade", "SELECT 5", 1)],
    }
    assert [Path(one.path).name for one in history.migrations] == [
        *("B1__base.sql", "V1.9__a.sql", "U1.9__a.sql", "V1_10__b.sql", "V2__c.sql"),
        *("V3__mixed.sql", "R__y.sql", "R__z.sql"),
    ]
    assert "V3__mixed.sql" in history.notices[1]
    assert history.notices[2] == '1 file that Flyway does not run: "data.sql"'


def test_callbacks_of_flyway_are_not_judged(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "V1__a.sql": "SELECT 1;",
            "afterMigrate.sql": "DROP TABLE t;",
            "more/beforeEachMigrate__role.sql": "SET ROLE owner;",
            "aftermath.sql": "SELECT 2;",
        },
    )

    reason = "Flyway runs it as a callback, and callbacks are not judged"
    assert faults(history) == [
        ("afterMigrate.sql", 1, reason),
        ("beforeEachMigrate__role.sql", 1, reason),
    ]
    assert table(history, tmp_path) == {
        "V1__a.sql": [("upgrade", "SELECT 1", 1)],
        "afterMigrate.sql": [],
        "more/beforeEachMigrate__role.sql": [],
    }
    assert history.notices[1:] == ('1 file that Flyway does not run: "aftermath.sql"',)


def test_flyway_baseline_is_left_out_where_what_it_sums_up_is_there(tmp_path: Path) -> None:
    history = read(
        tmp_path, {"V1__a.sql": "SELECT 1;", "B1__base.sql": "SELECT 9;", "V2__b.sql": "SELECT 2;"}
    )

    assert list(table(history, tmp_path)) == ["V1__a.sql", "V2__b.sql"]


def test_flyway_is_found_below_but_not_where_a_build_copies_it(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "src/main/resources/db/migration/V1__a.sql": "SELECT 1;",
            "target/classes/db/migration/V1__a.sql": "SELECT 1;",
        },
    )

    assert list(table(history, tmp_path)) == ["src/main/resources/db/migration/V1__a.sql"]


def test_files_of_flyway_below_make_no_flyway_of_other_files(tmp_path: Path) -> None:
    history = read(tmp_path, {"a.sql": "SELECT 1;", "old/V1__a.sql": "SELECT 2;"})

    assert list(table(history, tmp_path)) == ["a.sql"]


def test_flyway_refuses_equal_versions(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match='are both version "1"'):
        read(tmp_path, {"V1__a.sql": "SELECT 1;", "V1.0__b.sql": "SELECT 2;"})


def test_flyway_folders_of_other_databases_are_left_out(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {"postgresql/V1__a.sql": "SELECT 1;", "mysql/V1__a.sql": "SELECT 1;"},
    )

    assert list(table(history, tmp_path)) == ["postgresql/V1__a.sql"]
    assert history.notices[1:] == ("1 file is left out, written for another database (MySQL 1)",)


def test_prisma_sends_a_file_as_one_string(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "migrations/migration_lock.toml": 'provider = "postgresql"\n',
            "migrations/20240102000000_b/migration.sql": "VACUUM t;",
            "migrations/20240101000000_a/migration.sql": "SELECT 1; SELECT 2;",
        },
    )

    assert table(history, tmp_path / "migrations") == {
        "20240101000000_a/migration.sql": [("upgrade", "SELECT 1", 1), ("upgrade", "SELECT 2", 1)],
        "20240102000000_b/migration.sql": [("upgrade", "VACUUM t", None)],
    }


def test_prisma_of_another_database_is_left_out_and_counted(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {"migration_lock.toml": 'provider = "mysql"\n', "1_a/migration.sql": "SELECT 1;"},
    )

    assert history.migrations == ()
    assert history.notices[1:] == (
        'Prisma migrations: 1 left out: "migration_lock.toml" says that they are for mysql',
    )


def test_supabase(tmp_path: Path) -> None:
    folder = tmp_path / "supabase" / "migrations"
    files = {
        "20240102000000_b.sql": "SELECT 2;",
        "20240101000000_a.sql": "SELECT 1;",
        "notes.sql": "SELECT 0;",
    }

    history = read(folder, files)

    assert table(history, folder) == {
        "20240101000000_a.sql": [("upgrade", "SELECT 1", 1)],
        "20240102000000_b.sql": [("upgrade", "SELECT 2", 1)],
    }
    assert read_sql_files([tmp_path / "supabase"]).migrations == history.migrations


def test_atlas(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "atlas.sum": "h1:\n",
            "1.sql": "SELECT 1;",
            "2.sql": "-- atlas:txmode none\n\nVACUUM t;",
            "3.sql": "-- atlas:checkpoint\n\nSELECT 1;",
        },
    )

    assert table(history, tmp_path) == {
        "1.sql": [("upgrade", "SELECT 1", 1)],
        "2.sql": [("upgrade", "VACUUM t", None)],
    }
    assert history.notices[1] == '1 file that Atlas does not run: "3.sql"'


def test_folder_of_a_tool_may_have_the_sums_of_atlas(tmp_path: Path) -> None:
    history = read(tmp_path, {"atlas.sum": "h1:\n", "1_a.sql": "-- +goose Up\nSELECT 1;\n"})

    assert history.notices[0].startswith("read as goose migrations: ")


def test_drizzle_follows_its_journal(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "meta/_journal.json": '{"dialect": "postgresql", "entries": '
            '[{"idx": 1, "tag": "0000_b"}, {"idx": 0, "tag": "0001_a"}]}',
            "0000_b.sql": "SELECT 2;--> statement-breakpoint\nSELECT 3;",
            "0001_a.sql": "SELECT 1;",
        },
    )

    assert table(history, tmp_path) == {
        "0001_a.sql": [("upgrade", "SELECT 1", 1)],
        "0000_b.sql": [("upgrade", "SELECT 2", 1), ("upgrade", "SELECT 3", 1)],
    }
    assert [Path(one.path).name for one in history.migrations] == ["0001_a.sql", "0000_b.sql"]


@pytest.mark.parametrize("journal", ["{", "[]", "{}", '{"entries": [{"idx": 0}]}'])
def test_drizzle_journal_that_cannot_be_read_is_named(tmp_path: Path, journal: str) -> None:
    with pytest.raises(SourceError, match=r'_journal\.json" is not a journal'):
        read(tmp_path, {"meta/_journal.json": journal, "0000_a.sql": "SELECT 1;"})


def test_sqitch_follows_its_plan(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "sqitch.conf": "[core]\n\tengine = pg\n",
            "sqitch.plan": "%syntax-version=1.0.0\n%project=shop\n\n"
            "users 2024-01-01T00:00:00Z A <a@b.c> # Add users.\n"
            "@v1 2024-01-02T00:00:00Z A <a@b.c> # One.\n\n"
            "items [users] 2024-01-03T00:00:00Z A <a@b.c>\n"
            "users [users@v1] 2024-01-04T00:00:00Z A <a@b.c> # Again.\n",
            "deploy/users@v1.sql": "BEGIN; SELECT 1; COMMIT;",
            "deploy/users.sql": "SELECT 3;",
            "deploy/items.sql": "SELECT 2;",
            "revert/items.sql": "BEGIN; SELECT 4; COMMIT;",
        },
    )

    assert table(history, tmp_path) == {
        "deploy/users@v1.sql": [
            ("upgrade", "BEGIN", 1),
            ("upgrade", "SELECT 1", 1),
            ("upgrade", "COMMIT", 1),
        ],
        "deploy/items.sql": [("upgrade", "SELECT 2", None)],
        "revert/items.sql": [
            ("downgrade", "BEGIN", 1),
            ("downgrade", "SELECT 4", 1),
            ("downgrade", "COMMIT", 1),
        ],
        "deploy/users.sql": [("upgrade", "SELECT 3", None)],
    }
    assert [Path(one.path).stem for one in history.migrations] == [
        *("users@v1", "items", "items", "users"),
    ]


def test_sqitch_change_without_file_is_named(tmp_path: Path) -> None:
    fill(tmp_path, {"sqitch.plan": "users 2024-01-01T00:00:00Z A <a@b.c>\n"})
    (tmp_path / "deploy").mkdir()

    with pytest.raises(SourceError, match=r'there is no ".*deploy/users\.sql"'):
        read_sql_files([tmp_path])


def test_sqitch_of_another_database_is_left_out(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "sqitch.conf": "[core]\n\tengine = mysql\n",
            "sqitch.plan": "users 2024-01-01T00:00:00Z A <a@b.c>\n",
            "deploy/users.sql": "SELECT 1;",
        },
    )

    assert history.migrations == ()
    assert "are for mysql" in history.notices[1]


def test_directory_of_two_tools_is_refused(tmp_path: Path) -> None:
    files = {"1_a.sql": "-- +goose Up\nSELECT 1;\n", "2_b.up.sql": "SELECT 2;\n"}

    with pytest.raises(UsageError, match='as "goose" and as "golang-migrate"') as caught:
        read(tmp_path, files)
    assert "name the files themselves" in caught.value.hint


def test_files_that_are_named_run_as_psql_runs_them(tmp_path: Path) -> None:
    fill(tmp_path, {"1_a.up.sql": "SELECT 1; SELECT 2;", "1_a.down.sql": "SELECT 3;"})

    history = read_sql_files([tmp_path / "1_a.down.sql", tmp_path / "1_a.up.sql"])

    assert table(history, tmp_path) == {
        "1_a.down.sql": [("upgrade", "SELECT 3", None)],
        "1_a.up.sql": [("upgrade", "SELECT 1", None), ("upgrade", "SELECT 2", None)],
    }
    assert history.notices == ()


@pytest.mark.parametrize(
    ("text", "tool", "expected"),
    [
        (
            "-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n",
            "goose",
            [("upgrade", "SELECT 1", 1), ("downgrade", "SELECT 2", 1)],
        ),
        (
            "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n",
            "goose",
            [("upgrade", "SELECT 1", None), ("downgrade", "SELECT 2", None)],
        ),
        (
            "-- migrate:up\nSELECT 1;\n-- migrate:down transaction:false\nSELECT 2;\n",
            "dbmate",
            [("upgrade", "SELECT 1", 1), ("downgrade", "SELECT 2", None)],
        ),
        (
            "-- Up Migration\nSELECT 1;\n-- Down Migration\nSELECT 2;\n",
            "node-pg-migrate",
            [("upgrade", "SELECT 1", 1), ("downgrade", "SELECT 2", 1)],
        ),
        (
            "SELECT 1;\n---- create above / drop below ----\nSELECT 2;\n",
            "tern",
            [("upgrade", "SELECT 1", 1), ("downgrade", "SELECT 2", 1)],
        ),
        (
            "---- tern: disable-tx ----\nSELECT 1;\n",
            "tern",
            [("upgrade", "SELECT 1", None)],
        ),
    ],
)
def test_file_that_is_named_is_read_by_its_own_marks(
    tmp_path: Path, text: str, tool: str, expected: list[Row]
) -> None:
    fill(tmp_path, {"notes.sql": text})

    history = read_sql_files([tmp_path / "notes.sql"])

    assert table(history, tmp_path) == {"notes.sql": expected}
    (notice,) = history.notices
    assert notice.startswith(f"read by the marks of {tool}: ")
    assert faults(history) == []


def test_files_with_marks_keep_the_order_in_which_they_are_named(tmp_path: Path) -> None:
    names = ["2_b.sql", "1_a.sql", "3_plain.sql"]
    marked = "-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n"
    fill(tmp_path, {"2_b.sql": marked, "1_a.sql": marked, "3_plain.sql": "SELECT 3;"})

    history = read_sql_files([tmp_path / name for name in names])

    assert [Path(one.path).name for one in history.migrations] == names
    assert [len(one.downgrade) for one in history.migrations] == [1, 1, 0]
    assert len(history.notices) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        # its name says that it is one way
        ("1_a.up.sql", "-- Up Migration\nSELECT 1;"),
        # two tools
        ("1_a.sql", "-- migrate:up\n-- +goose Up\nSELECT 1;"),
        # no way up
        ("1_a.sql", "-- +goose Down\nSELECT 1;"),
    ],
)
def test_file_whose_marks_do_not_tell_the_tool_runs_as_psql_runs_it(
    tmp_path: Path, name: str, text: str
) -> None:
    fill(tmp_path, {name: text})

    history = read_sql_files([tmp_path / name])

    assert table(history, tmp_path) == {name: [("upgrade", "SELECT 1", None)]}
    assert history.notices == ()


def test_directory_that_is_no_tools_runs_by_name_as_psql_runs_it(tmp_path: Path) -> None:
    history = read(tmp_path, {"2_b.sql": "SELECT 2;", "10_a.sql": "SELECT 1;"})

    assert table(history, tmp_path) == {
        "10_a.sql": [("upgrade", "SELECT 1", None)],
        "2_b.sql": [("upgrade", "SELECT 2", None)],
    }
    assert history.notices == ()


def test_folder_of_postgresql_is_taken_among_those_of_other_databases(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {
            "postgres/1_a.up.sql": "SELECT 1;",
            "mysql/1_a.up.sql": "SELECT 1;",
            "sqlite3/1_a.up.sql": "SELECT 1;",
        },
    )

    assert list(table(history, tmp_path)) == ["postgres/1_a.up.sql"]
    assert history.notices[1:] == (
        "2 files are left out, written for another database (MySQL 1, SQLite 1)",
    )


def test_directory_without_migrations_is_told_from_one_with_some(tmp_path: Path) -> None:
    fill(tmp_path, {"empty/notes.txt": "", "diesel/1_a/up.sql": "", "plain/a.sql": ""})

    assert [has_sql(tmp_path / name) for name in ("empty", "diesel", "plain")] == [
        *(False, True, True),
    ]


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("CREATE TABLE `t` (`a` int) ENGINE=InnoDB;", "MySQL"),
        ("CREATE TABLE t (a int AUTO_INCREMENT);", "MySQL"),
        ("CREATE TABLE [dbo].[t] (a int);\nGO\n", "SQL Server"),
        ("CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT);", "SQLite"),
        ("CREATE TABLE t (a NUMBER(10) DEFAULT 1 ENABLE VALIDATE);", "Oracle"),
    ],
)
def test_file_of_another_database_is_left_out_and_counted(
    tmp_path: Path, text: str, dialect: str
) -> None:
    history = read(tmp_path, {"a.sql": "SELECT 1;", "b.sql": text})

    assert [Path(one.path).name for one in history.migrations] == ["a.sql"]
    assert history.notices == (
        f'1 file is left out, written for another database ({dialect} 1): "b.sql"',
    )


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t (a int); -- was `t` ENGINE=InnoDB",
        "INSERT INTO t VALUES ('`a` AUTO_INCREMENT'); SELEC 1;",
        "CREATE TABLE t (a tinyint); SELEC 1;",
        "CREATE TABLE t (a int,, b text DEFAULT '`x`');",
    ],
)
def test_file_that_is_only_wrong_is_judged(tmp_path: Path, text: str) -> None:
    history = read(tmp_path, {"a.sql": text})

    assert len(history.migrations) == 1
    assert history.notices == ()


def test_placeholders_are_counted_over_all_files(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        {"V1__a.sql": "CREATE TABLE ${schema}.a (id int);", "V2__b.sql": "DROP TABLE ${schema}.a;"},
    )

    assert history.notices[1:] == ("2 placeholders were taken as names or values",)
    assert [one.sql for each in history.migrations for one in each.upgrade] == [
        "CREATE TABLE schema   .a (id int)",
        "DROP TABLE schema   .a",
    ]


def test_the_page_names_every_tool() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sql-migrations.md").read_text(encoding="utf-8")
    named = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")]

    known = {layout.name for layout in (*LAYOUTS, *VAGUE_LAYOUTS)}
    assert set(named[1:]) == known


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"1_a/up.sql": "SELECT 1;"}, "diesel"),
        ({"db/1_a.sql": "SELECT 1;"}, ""),
    ],
)
def test_command_line_takes_a_directory_of_a_tool(
    tmp_path: Path, files: Mapping[str, str], kind: str
) -> None:
    fill(tmp_path, files)

    result = CliRunner().invoke(group, ["lint", str(tmp_path)])

    if kind:
        assert result.exit_code == 0
        assert f"note: read as {kind} migrations: " in result.output
    else:
        assert result.exit_code == 2
        assert "as another tool keeps them" in result.output
