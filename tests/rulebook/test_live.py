"""Every case of the rule book, run: a server does what the case claims, and what `facts` predict.

A case whose `pg` is newer than the server is not generated, nor one that begins from what the
history does not show, nor SQL that no server would take. $SAFEMIGRATE_PROOF_VERSIONS lists the
majors to prove on, such as "14 15 18"; without it, that of the installed server.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack

import pytest
from msgspec.structs import replace

from safemigrate.catalog import catalog_of_sql
from safemigrate.errors import SafemigrateError, SqlSyntaxError
from safemigrate.facts import walk
from safemigrate.lint import rules
from safemigrate.model import (
    Certainty,
    Direction,
    ExplainedStatement,
    LockMode,
    ObservedStatement,
    Passage,
    Remedy,
    ServerVersion,
    TransactionControl,
    UnmodelledAction,
)
from safemigrate.rulekit import Family
from safemigrate.server import Server, open_server
from safemigrate.server.account import choose_account
from safemigrate.server.binaries import find_binaries
from safemigrate.sql import read_actions, split_statements
from safemigrate.testing import Case, RuleCases, case_history, case_timeline, judge_case, rule_book
from safemigrate.trace import compare, observe_script

NEWEST = 18

# What the rules of these families are about is found before any server sees it.
UNPROVED = {Family.SYNTAX}


def versions() -> list[int]:
    """Return the majors to prove on."""
    wanted = os.environ.get("SAFEMIGRATE_PROOF_VERSIONS", "").split()
    if wanted:
        return [int(major) for major in wanted]
    try:
        return [find_binaries(choose_account()).version.major]
    except SafemigrateError:
        return [NEWEST]


def cases_for(major: int) -> Iterator[tuple[RuleCases, Case]]:
    for cases in rule_book().values():
        rule = rules().get(cases.rule)
        if rule is None or rule.family in UNPROVED:
            continue
        for case in cases.cases:
            if case.pg <= major and cases.schema_of(case).strip():
                yield cases, case


EVERY_PROOF = [(major, cases, case) for major in versions() for cases, case in cases_for(major)]


def name_of(part: int | RuleCases | Case) -> str:
    match part:
        case int():
            return str(part)
        case RuleCases():
            return part.rule
        case Case():
            return part.id


EVERY_CLAIM = [
    (major, cases, case)
    for major, cases, case in EVERY_PROOF
    if (case.locks, case.rewrites, case.scans) != (None, None, None)
]
EVERY_REMEDY = [(major, cases, case) for major, cases, case in EVERY_PROOF if case.is_bad]
ARGUMENTS = ("major", "cases", "case")
each_proof = pytest.mark.parametrize(ARGUMENTS, EVERY_PROOF, ids=name_of)
each_claim = pytest.mark.parametrize(ARGUMENTS, EVERY_CLAIM, ids=name_of)

each_remedy = pytest.mark.parametrize(ARGUMENTS, EVERY_REMEDY, ids=name_of)


class Prover:
    """Runs cases on servers, each in a database of its own; those of the book only once."""

    def __init__(self, servers: Mapping[int, Server]) -> None:
        self._servers = servers
        self._proofs: dict[tuple[int, str, str], list[Proof]] = {}

    def prove(self, major: int, cases: RuleCases, case: Case) -> list["Proof"]:
        """Return the passages of a case of the book with what was observed."""
        key = major, cases.rule, case.id
        if key not in self._proofs:
            self._proofs[key] = self.run(major, cases, case)
        return self._proofs[key]

    def run(self, major: int, cases: RuleCases, case: Case) -> list["Proof"]:
        """Run a case, its downgrade too, and return each passage with what was observed."""
        server = self._servers[major]
        name = server.create_database()
        try:
            return run_case(cases, case, major, server.url(name))
        finally:
            server.drop_database(name)


@pytest.fixture(scope="session")
def prover(embedded_server: Server) -> Iterator[Prover]:
    """On the shared server for its own major, on others for the other ones."""
    found = {embedded_server.version.major: embedded_server}
    with ExitStack() as stack:
        for major in versions():
            if major not in found:
                version = ServerVersion(major)
                found[major] = stack.enter_context(open_server("embedded", version=version))
        yield Prover(found)


def run_case(cases: RuleCases, case: Case, major: int, url: str) -> list["Proof"]:
    schema = cases.schema_of(case)
    timeline = walk(
        case_history(case),
        before=catalog_of_sql(schema, cases.rule),
        version=ServerVersion(major),
    )
    before = [statement.sql for statement in split_statements(schema)]
    proofs = []
    for passage in timeline.passages:
        script = list(script_of(passage))
        observed = observe_script(
            url, [sql for sql, _ in script], before=before, in_transaction=False
        )
        before = []
        # A script ends at the first statement that the server refuses.
        seen = zip([item for _, item in script], observed, strict=False)
        proofs.append(Proof(passage, [(item, one) for item, one in seen if item is not None]))
    return proofs


class Proof:
    """A passage with its statements, each with what was observed of it."""

    def __init__(
        self, passage: Passage, pairs: list[tuple[ExplainedStatement, ObservedStatement]]
    ) -> None:
        self.passage = passage
        self.pairs = pairs

    def strongest_locks(self) -> dict[str, LockMode]:
        """Return the strongest mode, above ACCESS SHARE, by table or view that was there before."""
        found: dict[str, LockMode] = {}
        for item, seen in self.pairs:
            tables = {name for event in item.events for name in event.before.tables}
            for lock in seen.locks:
                is_claimed = lock.is_preexisting and lock.relation in tables
                if is_claimed and lock.mode > LockMode.ACCESS_SHARE:
                    name = str(lock.relation)
                    found[name] = max(lock.mode, found.get(name, lock.mode))
        return found


def script_of(passage: Passage) -> Iterator[tuple[str, ExplainedStatement | None]]:
    """Yield what to send, with the statement it is; None for what Alembic sends around it."""
    is_sql_file = passage.migration.revision is None
    transaction: int | None = None
    for item in passage.statements:
        now = None if is_sql_file else item.statement.transaction
        if now != transaction:
            if transaction is not None:
                yield "COMMIT", None
            if now is not None:
                yield "BEGIN", None
            transaction = now
        yield item.statement.sql, item
    if transaction is not None:
        yield "COMMIT", None


@each_proof
def test_a_server_does_what_facts_predict(
    major: int, cases: RuleCases, case: Case, prover: Prover
) -> None:
    differences = [
        f"{item.statement.sql}: {difference}"
        for proof in prover.prove(major, cases, case)
        for item, seen in proof.pairs
        if is_modelled(item) and not (case.is_bad and is_about_rows(seen.error or ""))
        for difference in compare(item.facts, seen)
    ]
    assert differences == []


def is_modelled(item: ExplainedStatement) -> bool:
    """Return whether facts say more of the statement than that nothing is known."""
    return not any(isinstance(event.action, UnmodelledAction) for event in item.events)


def is_about_rows(error: str) -> bool:
    """Return whether it is of SQLSTATE class 23: what the rows say, which no catalog shows."""
    return error.startswith("23")


@each_claim
def test_a_server_shows_the_locks_rewrites_and_scans_of_the_case(
    major: int, cases: RuleCases, case: Case, prover: Prover
) -> None:
    proofs = prover.prove(major, cases, case)
    if case.locks is not None:
        assert join_modes(proof.strongest_locks() for proof in proofs) == case.locks
    seen = [seen for proof in proofs for _, seen in proof.pairs]
    if case.rewrites is not None:
        assert {str(name) for one in seen for name in one.rewrites} == set(case.rewrites)
    if case.scans is not None:
        scanned = {str(name) for one in seen for name in one.scans}
        # A look from outside may miss what it looks for, and sees nothing that is not there.
        missed = set(case.scans) - scanned if any(map(is_assumed, seen)) else set()
        assert scanned | missed == set(case.scans)


def is_assumed(seen: ObservedStatement) -> bool:
    return seen.certainty is not Certainty.KNOWN


def join_modes(parts: Iterable[Mapping[str, LockMode]]) -> dict[str, LockMode]:
    found: dict[str, LockMode] = {}
    for part in parts:
        for name, mode in part.items():
            found[name] = max(mode, found.get(name, mode))
    return found


@each_remedy
def test_what_a_finding_recommends_runs_on_a_server(
    major: int, cases: RuleCases, case: Case, prover: Prover
) -> None:
    statements = case_timeline(cases, case).passages[0].statements
    for finding in judge_case(cases, case):
        if finding.rule != cases.rule or finding.remedy is None or finding.ordinal is None:
            continue
        is_upgrade = finding.direction is Direction.UPGRADE
        done = statements[: finding.ordinal - 1] if is_upgrade else statements
        schema = cases.schema_of(case)
        later = schema + "".join(
            f"{item.statement.sql};\n" for item in done if not controls_transaction(item)
        )
        for code in remedy_cases(finding.remedy):
            # It takes the place of the statement, or of what comes before it as well.
            assert any(
                errors_of(prover.run(major, replace(cases, schema=start), code)) == []
                for start in dict.fromkeys((later, schema))
            )


def errors_of(proofs: list[Proof]) -> list[str]:
    """Return why the server refuses statements of an upgrade, but for what is in the rows."""
    assert proofs[0].pairs != []
    errors = [seen.error for _, seen in proofs[0].pairs if seen.error]
    return [error for error in errors if not is_about_rows(error)]


def remedy_cases(remedy: Remedy) -> Iterator[Case]:
    """Yield the remedy as SQL and as Alembic; it may be no more than the definition of a column."""
    if not remedy.sql:
        return
    try:
        read_actions(split_statements(remedy.sql)[0].sql)
    except SqlSyntaxError:
        yield Case(id="SQL", good=f"CREATE TABLE remedy (\n{remedy.sql}\n)")
        return
    yield Case(id="SQL", good=remedy.sql)
    if remedy.alembic:
        yield Case(id="Alembic", good_alembic=remedy.alembic)


def controls_transaction(item: ExplainedStatement) -> bool:
    return any(isinstance(event.action, TransactionControl) for event in item.events)
