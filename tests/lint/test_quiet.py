"""A default run on a well-kept history is quiet."""

from pathlib import Path

from safemigrate.config import RuleSettings
from safemigrate.facts import walk
from safemigrate.lint import judge
from safemigrate.model import OLDEST_VERSION, Catalog
from safemigrate.source import read_sql_files

HISTORY = (
    """
    BEGIN;
    CREATE TABLE customer (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        email text NOT NULL UNIQUE,
        name text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE purchase (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        customer_id bigint NOT NULL REFERENCES customer (id),
        total numeric(12, 2) NOT NULL CHECK (total >= 0),
        state text NOT NULL DEFAULT 'open',
        paid_at timestamptz
    );
    CREATE INDEX purchase_customer ON purchase (customer_id);
    COMMENT ON TABLE purchase IS 'What customers bought';
    COMMIT;
    """,
    "ALTER TABLE purchase ADD COLUMN note text;",
    "ALTER TABLE purchase ADD COLUMN priority int NOT NULL DEFAULT 0;",
    "CREATE INDEX CONCURRENTLY purchase_paid_at ON purchase (paid_at) WHERE paid_at IS NOT NULL;",
    "ALTER TABLE purchase ADD CONSTRAINT priority_known CHECK (priority >= 0) NOT VALID;",
    "ALTER TABLE purchase VALIDATE CONSTRAINT priority_known;",
    "CREATE TYPE channel AS ENUM ('shop', 'web');",
    "ALTER TABLE purchase ADD COLUMN channel channel;",
    "UPDATE purchase SET channel = 'web' WHERE id BETWEEN 1 AND 1000 AND channel IS NULL;",
    "ALTER TABLE purchase ADD CONSTRAINT channel_known CHECK (channel IS NOT NULL) NOT VALID;",
    "ALTER TABLE purchase VALIDATE CONSTRAINT channel_known;",
    "ALTER TABLE purchase ALTER COLUMN channel SET NOT NULL;",
    "ALTER TYPE channel ADD VALUE 'phone';",
    """
    BEGIN;
    CREATE TABLE voucher (
        code text PRIMARY KEY,
        customer_id bigint NOT NULL REFERENCES customer (id),
        ends_at timestamptz NOT NULL
    );
    CREATE INDEX voucher_customer ON voucher (customer_id);
    COMMIT;
    """,
    "ALTER TABLE purchase ADD COLUMN voucher_code text;",
    "CREATE INDEX CONCURRENTLY purchase_voucher ON purchase (voucher_code);",
    """
    ALTER TABLE purchase ADD CONSTRAINT purchase_voucher_fkey
        FOREIGN KEY (voucher_code) REFERENCES voucher (code) NOT VALID;
    """,
    "ALTER TABLE purchase VALIDATE CONSTRAINT purchase_voucher_fkey;",
    "CREATE VIEW open_purchase AS SELECT id, total FROM purchase WHERE state = 'open';",
    "GRANT SELECT ON open_purchase TO reporting;",
    "DROP INDEX CONCURRENTLY purchase_paid_at;",
    "ALTER TABLE customer ALTER COLUMN name SET DEFAULT '';",
    """
    CREATE FUNCTION note_payment() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.paid_at := now();
        RETURN NEW;
    END
    $$;
    """,
    "INSERT INTO voucher (code, customer_id, ends_at) VALUES ('ten', 1, '2030-01-01');",
)


def test_a_history_that_does_everything_in_safe_steps_has_no_finding(tmp_path: Path) -> None:
    for number, sql in enumerate(HISTORY, start=1):
        (tmp_path / f"{number:04}.sql").write_text(sql, encoding="utf-8")

    timeline = walk(read_sql_files([tmp_path]), before=Catalog(), version=OLDEST_VERSION)
    result = judge(timeline, settings=RuleSettings())

    assert [f"{one.path[-8:]} {one.rule}: {one.message}" for one in result.findings] == []
    assert result.judged == result.statements
