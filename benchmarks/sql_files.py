"""Lint of generated files of SQL, cold, beside squawk reading the same files.

Both run as whole processes, in turn, and the ratio is taken pair by pair. squawk (`squawk-cli` on
PyPI) is a linter of single statements, written in Rust; safemigrate follows the schema through all
the files. The memory is the largest part of it that was resident, of the process and of those that
it forks by themselves.

    .venv/bin/pip install squawk-cli
    .venv/bin/python benchmarks/sql_files.py [--files 5000] [--runs 5]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_GROUP = 10
"""How many files are about one table."""

_TABLE = """\
CREATE TABLE {table} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL,
    name text NOT NULL,
    state varchar(20) NOT NULL DEFAULT 'new',
    amount numeric(12, 2) NOT NULL DEFAULT 0 CHECK (amount >= 0),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX {table}_customer_id_idx ON {table} (customer_id);
COMMENT ON TABLE {table} IS 'what a customer has';
"""

# Each is one file, about a table that is there.
_CHANGES = (
    """\
SET lock_timeout = '2s';
ALTER TABLE {table} ADD COLUMN note_{n} text;
COMMENT ON COLUMN {table}.note_{n} IS 'a note';
""",
    """\
-- built while others write
CREATE INDEX CONCURRENTLY {table}_name_{n}_idx ON {table} (name, created_at DESC);
""",
    """\
BEGIN;
ALTER TABLE {table} ADD CONSTRAINT {table}_state_{n} CHECK (state <> '') NOT VALID;
COMMIT;
ALTER TABLE {table} VALIDATE CONSTRAINT {table}_state_{n};
""",
    """\
ALTER TABLE {table}
    ALTER COLUMN name TYPE varchar(200),
    ADD COLUMN code_{n} uuid DEFAULT gen_random_uuid();
UPDATE {table} SET amount = amount + 1 WHERE id = {n};
""",
    """\
CREATE VIEW {table}_view_{n} AS
    SELECT id, name, amount FROM {table} WHERE amount > 0 AND state = 'new';
GRANT SELECT ON {table}_view_{n} TO reporting;
""",
    """\
ALTER TABLE {table} ADD COLUMN parent_{n} bigint;
ALTER TABLE {table}
    ADD CONSTRAINT {table}_parent_{n}_fkey FOREIGN KEY (parent_{n}) REFERENCES {table} (id);
INSERT INTO {table} (customer_id, name) VALUES (1, 'one'), (2, 'two');
""",
    """\
CREATE FUNCTION {table}_touch_{n}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.created_at := now();
    RETURN NEW;
END
$$;
CREATE TRIGGER {table}_touch_{n} BEFORE UPDATE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_touch_{n}();
""",
    """\
ALTER TABLE {table} ALTER COLUMN state SET DEFAULT 'open';
ALTER TABLE {table} ALTER COLUMN customer_id DROP NOT NULL;
DELETE FROM {table} WHERE created_at < now() - interval '1 year';
""",
    """\
CREATE TYPE {table}_kind_{n} AS ENUM ('one', 'two');
ALTER TABLE {table} ADD COLUMN kind_{n} {table}_kind_{n} NOT NULL DEFAULT 'one';
ALTER TYPE {table}_kind_{n} ADD VALUE 'three';
ALTER TABLE {table} RENAME COLUMN kind_{n} TO sort_{n};
""",
)


@dataclass(frozen=True)
class Run:
    """What one run took."""

    seconds: float
    megabytes: float


def write_texts(count: int) -> Iterator[str]:
    """Yield the text of each file, in the order of their names."""
    for n in range(count):
        form = _TABLE if n % _GROUP == 0 else _CHANGES[n % _GROUP - 1]
        yield form.format(table=f"orders_{n // _GROUP}", n=n)


def write_files(folder: Path, count: int) -> list[str]:
    """Write the files, and return their names."""
    names = [f"{number:05}_step.sql" for number in range(1, count + 1)]
    for name, text in zip(names, write_texts(count), strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    return names


def run(command: Sequence[str], folder: Path) -> Run:
    """Run the command in the folder; findings are no failure.

    What it imports is compiled by the first run, as pip compiles what it installs.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, 1}:
        sys.exit(f"{' '.join(command[:4])} … ended in {process.returncode}")
    return Run(seconds, usage.ru_maxrss / 1024)


def find_squawk() -> str:
    """Return the path of squawk, beside this Python or on the search path."""
    found = shutil.which("squawk", path=str(Path(sys.executable).parent)) or shutil.which("squawk")
    return found or sys.exit("squawk is missing: pip install squawk-cli")


def lint_command(folder: Path) -> list[str]:
    """Return the command that lints the folder without what an earlier run has left."""
    command = [sys.executable, "-m", "safemigrate", "lint", "--quiet"]
    helped = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    return [*command, *(["--no-cache"] if "--no-cache" in helped.stdout else []), str(folder)]


def main() -> None:
    """Measure both in turn and print medians and the ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    squawk = find_squawk()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = write_files(folder, options.files)
        commands = {"safemigrate lint": lint_command(folder), "squawk": [squawk, *names]}
        runs: dict[str, list[Run]] = {title: [] for title in commands}
        for number in range(options.runs + 1):
            for title, command in commands.items():
                done = run(command, folder)
                if number > 0:  # the first pair warms the disk's cache and compiles
                    runs[title].append(done)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{options.files} files, {cores} cores, median of {options.runs} runs, whole processes")
    for title, done_runs in runs.items():
        times = [one.seconds for one in done_runs]
        memory = max(one.megabytes for one in done_runs)
        spread = f"{min(times):.2f} to {max(times):.2f}"
        print(f"{title:20}{statistics.median(times):8.2f} s   ({spread}) {memory:8.0f} MiB")
    ours, theirs = runs.values()
    ratio = statistics.median(a.seconds / b.seconds for a, b in zip(ours, theirs, strict=True))
    print(f"{'ratio, pair by pair':20}{ratio:8.2f}")


if __name__ == "__main__":
    main()
