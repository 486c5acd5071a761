"""Every case of the rule book, run: a server does what the case claims, and what `facts` predict.

A case whose `pg` is newer than the server is not generated, nor one that begins from what the
history does not show, nor SQL that no server would take. $SAFEMIGRATE_PROOF_VERSIONS lists the
majors to prove on, such as "14 15 18"; without it, that of the installed server.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

import pytest

from safemigrate.catalog import catalog_of_sql
from safemigrate.errors import SqlSyntaxError
from safemigrate.facts import walk
from safemigrate.lint import rules
from safemigrate.model import (
    Catalog,
    Certainty,
    Direction,
    ExplainedStatement,
    History,
    LockMode,
    ObservedStatement,
    Passage,
    Remedy,
    ServerVersion,
    TransactionControl,
    UnmodelledAction,
)
from safemigrate.rulekit import Family
from safemigrate.sql import read_actions, split_statements
from safemigrate.testing import Case, RuleCases, case_history, case_timeline, judge_case, rule_book
from safemigrate.trace import compare, observe_script
from tests.postgres.databases import Databases
from tests.postgres.versions import ProofServers, count, proof_versions

# What the rules of these families are about is found before any server sees it.
UNPROVED = {Family.SYNTAX}


def cases_for(major: int) -> Iterator[tuple[RuleCases, Case]]:
    for cases in rule_book().values():
        rule = rules().get(cases.rule)
        if rule is None or rule.family in UNPROVED:
            continue
        for case in cases.cases:
            if case.pg <= major and cases.schema_of(case).strip():
                yield cases, case


EVERY_PROOF = [
    (major, cases, case) for major in proof_versions() for cases, case in cases_for(major)
]


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
    """Runs cases on servers, each in a database of its own, and the same code only once."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._proofs: dict[tuple[int, str, Code], list[Proof]] = {}

    def prove(self, major: int, schema: str, case: Case) -> list["Proof"]:
        """Return the passages of a case, its downgrade too, with what was observed."""
        key = major, schema, Code.of(case)
        if key not in self._proofs:
            with self._databases.one(major) as url:
                self._proofs[key] = run_case(schema, key[2], major, url)
        return self._proofs[key]


class Code(NamedTuple):
    """The code of a case, which its history depends on."""

    sql: str | None
    alembic: str | None
    downgrade: str | None

    @classmethod
    def of(cls, case: Case) -> "Code":
        return cls(case.sql, case.alembic, case.downgrade)


@cache
def history_of(code: Code) -> History:
    return case_history(
        Case(id="code", good=code.sql, good_alembic=code.alembic, downgrade=code.downgrade)
    )


@cache
def catalog_of(schema: str) -> Catalog:
    return catalog_of_sql(schema, "schema.sql")


@pytest.fixture(scope="session")
def prover(proof_servers: ProofServers) -> Iterator[Prover]:
    """On the shared server for its own major, on others for the other ones."""
    databases = Databases(proof_servers)
    yield Prover(databases)
    databases.close()


def run_case(schema: str, code: Code, major: int, url: str) -> list["Proof"]:
    version = ServerVersion(major)
    timeline = walk(history_of(code), before=catalog_of(schema), version=version)
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
    proofs = prover.prove(major, cases.schema_of(case), case)
    compared = [
        (item, seen)
        for proof in proofs
        for item, seen in proof.pairs
        if is_modelled(item) and not (case.is_bad and is_about_rows(seen.error or ""))
    ]
    count(major, "cases of the rule book")
    count(major, "statements of the rule book compared", len(compared))
    differences = [
        f"{item.statement.sql}: {difference}"
        for item, seen in compared
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
    proofs = prover.prove(major, cases.schema_of(case), case)
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
    for code, schemas in remedies_of(cases, case):
        # It takes the place of the statement, or of what comes before it as well.
        assert any(errors_of(prover.prove(major, schema, code)) == [] for schema in schemas)


REMEDIES: dict[tuple[str, str], list[tuple[Case, list[str]]]] = {}


def remedies_of(cases: RuleCases, case: Case) -> list[tuple[Case, list[str]]]:
    """Return what the rule recommends, each with the schemas that it may start from."""
    key = cases.rule, case.id
    if key not in REMEDIES:
        REMEDIES[key] = list(find_remedies(cases, case))
    return REMEDIES[key]


def find_remedies(cases: RuleCases, case: Case) -> Iterator[tuple[Case, list[str]]]:
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
            yield code, list(dict.fromkeys((later, schema)))


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
