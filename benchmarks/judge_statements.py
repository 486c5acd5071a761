"""All facts and all rules over generated statements, beside parsing alone.

The statements are of many kinds over a schema that grows with them. Parsing alone is PostgreSQL's
own parser into its tree. Every rule is asked, those that are off by default as well. All parts run
in one process on one core, in turn, and the ratios are taken run by run.

    .venv/bin/python benchmarks/judge_statements.py [--statements 10000] [--runs 5]
"""

import argparse
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import postgast

from safemigrate.config import RuleSettings
from safemigrate.facts import walk
from safemigrate.lint import judge, rules
from safemigrate.model import (
    NEWEST_VERSION,
    Catalog,
    Direction,
    History,
    Migration,
    Span,
    Statement,
)
from safemigrate.sql import read_actions

_PER_MIGRATION = 20

_FORMS = (
    (
        "CREATE TABLE table_{n} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
        "name text NOT NULL, amount numeric(12, 2) NOT NULL DEFAULT 0, "
        "at timestamptz DEFAULT now())"
    ),
    "ALTER TABLE table_{t} ADD COLUMN note_{n} text",
    "ALTER TABLE table_{t} ADD COLUMN code_{n} uuid DEFAULT gen_random_uuid()",
    "CREATE INDEX CONCURRENTLY table_{t}_{n} ON table_{t} (name)",
    "ALTER TABLE table_{t} ADD CONSTRAINT amount_{n} CHECK (amount >= 0) NOT VALID",
    "ALTER TABLE table_{t} VALIDATE CONSTRAINT amount_{n}",
    "COMMENT ON COLUMN table_{t}.name IS 'what it is called'",
    "ALTER TABLE table_{t} ALTER COLUMN name TYPE varchar(200), ALTER COLUMN at SET NOT NULL",
    "UPDATE table_{t} SET amount = amount + 1 WHERE id = {n}",
    "INSERT INTO table_{t} (name, amount) VALUES ('one', 1), ('two', 2)",
    "GRANT SELECT ON table_{t} TO PUBLIC",
    "ALTER TABLE table_{t} RENAME COLUMN note_{n} TO remark_{n}",
    "CREATE VIEW view_{n} AS SELECT id, name FROM table_{t} WHERE amount > 0",
    "ALTER TABLE table_{t} ADD COLUMN other_{n} bigint REFERENCES table_{t} (id)",
    (
        "CREATE FUNCTION function_{n}() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN UPDATE table_{t} SET amount = 0; RETURN NULL; END$$"
    ),
    "SET lock_timeout = '2s'",
)


def write_statements(count: int) -> Iterator[str]:
    """Yield the statements; of each round of forms, the table it makes is the one it changes."""
    table = 0
    for n in range(count):
        form = _FORMS[n % len(_FORMS)]
        if n % len(_FORMS) == 0:
            table = n
        yield form.format(n=n if "table_{n}" in form else n // len(_FORMS), t=table)


def make_history(statements: Sequence[str]) -> History:
    """Return the statements as migrations of a few statements each, every one a transaction."""
    migrations = []
    for start in range(0, len(statements), _PER_MIGRATION):
        path = f"{start:06}.sql"
        part = statements[start : start + _PER_MIGRATION]
        migrations.append(
            Migration(
                path=path,
                text="",
                upgrade=tuple(
                    Statement(sql, path, Span(1, 1, 1, 1), None, Direction.UPGRADE, number, number)
                    for number, sql in enumerate(part, start=1)
                ),
            )
        )
    return History(tuple(migrations), is_complete=True)


@dataclass(frozen=True)
class Times:
    """What each part took, in seconds; `facts` is what the walk takes beyond the reading."""

    parsing: float
    reading: float
    facts: float
    rules: float

    @property
    def judging(self) -> float:
        """Facts and rules together."""
        return self.facts + self.rules

    @property
    def whole(self) -> float:
        """From the text to the findings."""
        return self.reading + self.judging


def measure(statements: Sequence[str]) -> Times:
    """Return what one run takes."""
    every = RuleSettings(severities={name: rule.severity for name, rule in rules().items()})
    history = make_history(statements)
    start = time.perf_counter()
    for sql in statements:
        postgast.parse(sql)
    parsed = time.perf_counter()
    for sql in statements:
        read_actions(sql)
    read = time.perf_counter()
    timeline = walk(history, before=Catalog(), version=NEWEST_VERSION)
    walked = time.perf_counter()
    result = judge(timeline, settings=every)
    judged = time.perf_counter()
    if result.judged != len(statements):
        raise SystemExit(f"not judged: {result.unjudged[0].reason}")
    reading = read - parsed
    return Times(parsed - start, reading, walked - read - reading, judged - walked)


def main() -> None:
    """Print statements per second and the ratios to parsing alone."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--statements", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    statements = list(write_statements(options.statements))
    count = len(statements)
    runs = [measure(statements) for _ in range(options.runs)]
    print(f"{count} statements, {len(rules())} rules, median of {options.runs} runs")
    for part, name in (
        ("parsing", "parsing alone"),
        ("reading", "parsing into actions"),
        ("facts", "catalog and facts"),
        ("rules", "all rules"),
        ("judging", "facts and rules"),
        ("whole", "text to findings"),
    ):
        seconds = statistics.median(getattr(one, part) for one in runs)
        ratio = statistics.median(getattr(one, part) / one.parsing for one in runs)
        print(f"{name:20} {seconds:7.2f} s {count / seconds:9.0f} statements/s {ratio:7.2f} x")


if __name__ == "__main__":
    main()
