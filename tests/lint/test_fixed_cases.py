"""The rule book's bad cases, fixed as far as they can be: they lint better, and end the same."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from safemigrate.catalog import catalog_of_sql
from safemigrate.config import RuleSettings
from safemigrate.errors import SafemigrateError
from safemigrate.facts import walk
from safemigrate.lint import judge, plan_fixes
from safemigrate.model import NEWEST_VERSION, Catalog, Finding, ServerVersion, Severity
from safemigrate.server import Server
from safemigrate.server.account import choose_account
from safemigrate.server.binaries import find_binaries
from safemigrate.source import Rewrite, open_project, read_sql_files, record, rewrite_files
from safemigrate.sql import split_statements
from safemigrate.testing import Case, RuleCases, project_of, rule_book
from safemigrate.trace import open_connection
from safemigrate.verify import Snapshot, VersionTable, find_differences, take_snapshot

# What a server refuses as it is ends in no schema to compare with.
REFUSED = "concurrent-index-in-transaction"

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """A case written out: the file with its migration, and alembic.ini where it is a revision."""

    cases: RuleCases
    case: Case
    file: Path
    config: Path | None

    def find(self, *, fix: bool = False) -> tuple[Finding, ...]:
        """Return what is found in the file; with `fix`, the findings that were fixed in it."""
        schema = self.cases.schema_of(self.case)
        before = catalog_of_sql(schema, "schema.sql") if schema.strip() else Catalog()
        history = (
            read_sql_files([self.file])
            if self.config is None
            else record(open_project(self.config))
        )
        timeline = walk(history, before=before, version=ServerVersion(self.case.pg))
        result = judge(timeline, settings=RuleSettings())
        if not fix:
            return result.findings
        plan = plan_fixes(result, timeline)
        rewrite_files([Rewrite(file.migration, file.edits) for file in plan.files])
        return tuple(finding for file in plan.files for finding in file.findings)

    def fix(self) -> tuple[Finding, ...]:
        """Fix the file until nothing changes; return the findings that were fixed."""
        fixed: tuple[Finding, ...] = ()
        for _ in range(ROUNDS):
            now = self.find(fix=True)
            if not now:
                return fixed
            fixed += now
        pytest.fail(f"there is always something to fix: {fixed}")

    def run(self, url: str) -> Snapshot:
        """Run the migration, and its downgrade where it has one, over the case's schema."""
        run_sql(url, self.cases.schema_of(self.case))
        if self.config is None:
            run_sql(url, self.file.read_text(encoding="utf-8"))
        else:
            config = Config(self.config)
            config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
            command.upgrade(config, "head")
            if self.case.downgrade is not None:
                command.downgrade(config, "base")
        with open_connection(url) as connection:
            return take_snapshot(connection, VersionTable())


def run_sql(url: str, sql: str) -> None:
    with open_connection(url) as connection:
        for statement in split_statements(sql):
            connection.execute(statement.sql.encode())


@contextmanager
def written_out(cases: RuleCases, case: Case, folder: Path) -> Iterator[Subject]:
    if case.sql is None:
        with project_of(case) as config:
            yield Subject(cases, case, config.parent / "versions" / "0001_case.py", config)
    else:
        folder.mkdir(exist_ok=True)
        path = folder / "case.sql"
        path.write_text(case.sql, encoding="utf-8")
        yield Subject(cases, case, path, None)


FIXED = {
    REFUSED,
    "non-concurrent-drop-index",
    "non-concurrent-index",
    "set-not-null-scan",
    "unique-constraint-build",
    "unused-ignore",
    "validated-check",
    "validated-foreign-key",
    "validation-in-same-transaction",
}
BAD = [
    (pytest.param(cases, case, id=f"{cases.rule}: {case.id}"), (cases, case))
    for cases in rule_book().values()
    for case in cases.cases
    if cases.rule in FIXED and case.is_bad
]
each_case = pytest.mark.parametrize(("cases", "case"), [param for param, _ in BAD])


@each_case
def test_a_fixed_case_has_none_of_the_findings_that_were_fixed_and_no_new_error(
    cases: RuleCases, case: Case, tmp_path: Path
) -> None:
    with written_out(cases, case, tmp_path) as subject:
        before = subject.find()
        fixed = Counter(finding.rule for finding in subject.fix())
        after = subject.find()
    left = Counter(finding.rule for finding in after)
    found = Counter(finding.rule for finding in before)
    assert {rule: left[rule] for rule in fixed} == {
        rule: max(found[rule] - count, 0) for rule, count in fixed.items()
    }
    assert errors_in(after) <= errors_in(before)


def errors_in(findings: tuple[Finding, ...]) -> Counter[str]:
    return Counter(one.rule for one in findings if one.severity is Severity.ERROR)


@pytest.mark.parametrize("rule", sorted(FIXED))
def test_a_rule_with_a_fix_fixes_a_case_in_sql_or_from_alembic(rule: str, tmp_path: Path) -> None:
    cases = rule_book()[rule]
    fixed = set()
    for case in cases.cases:
        with written_out(cases, case, tmp_path) as subject:
            fixed |= {(finding.rule, case.alembic is None) for finding in subject.fix()}
    kinds = {is_sql for name, is_sql in fixed if name == rule}
    # A file of SQL says itself where its transactions are.
    needs_call = rule in {REFUSED, "validation-in-same-transaction"}
    assert kinds == ({False} if needs_call else {False, True})


def installed_version() -> ServerVersion:
    """Return the version of the server that the tests will have."""
    try:
        return find_binaries(choose_account()).version
    except SafemigrateError:
        return NEWEST_VERSION


RUNNING = [
    param
    for param, (cases, case) in BAD
    if cases.schema_of(case).strip() and ServerVersion(case.pg) <= installed_version()
]


@pytest.mark.parametrize(("cases", "case"), RUNNING)
def test_a_fixed_case_ends_in_the_same_schema(
    cases: RuleCases, case: Case, tmp_path: Path, databases: tuple[str, str]
) -> None:
    with (
        written_out(cases, case, tmp_path) as original,
        written_out(cases, case, tmp_path / "fixed") as subject,
    ):
        if not subject.fix():
            assert subject.file.read_bytes() == original.file.read_bytes()
            return
        after = subject.run(databases[0])
        if cases.rule != REFUSED:
            assert find_differences(original.run(databases[1]), after) == ()


@pytest.fixture
def databases(embedded_server: Server) -> Iterator[tuple[str, str]]:
    """The URLs of two empty databases."""
    names = [embedded_server.create_database() for _ in range(2)]
    yield embedded_server.url(names[0]), embedded_server.url(names[1])
    for name in names:
        embedded_server.drop_database(name)
