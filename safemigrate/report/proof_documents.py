"""What `verify` proved, as JSON: a contract with the scripts that read it."""

from msgspec import Struct, structs

from safemigrate.model import (
    Check,
    Facts,
    HistoryProof,
    ObservedStatement,
    RevisionProof,
    Span,
    Statement,
    TableRows,
)
from safemigrate.report.documents import StatementDocument, statement_document

__all__ = ["VerifyDocument", "verify_document"]

_VERSION = 1


class _CheckDocument(Struct, frozen=True):
    property: str
    number: str
    standing: str
    reason: str
    details: tuple[str, ...]
    help: str
    path: str
    line: int
    warning: str


class _RowsDocument(Struct, frozen=True):
    relation: str
    read: int
    inserted: int
    updated: int
    deleted: int
    preexisting: bool


class _RewriteDocument(Struct, frozen=True):
    relation: str
    reason: str


class ObservedDocument(StatementDocument, frozen=True):
    """What a server was seen to do for one statement: more than can be predicted."""

    error: str | None
    duration_ms: float
    lock_timeout_ms: int | None
    rows: tuple[_RowsDocument, ...]
    rewrite_reasons: tuple[_RewriteDocument, ...]


class _RevisionDocument(Struct, frozen=True):
    revision: str
    upgrade: str
    downgrade: str
    restored: bool | None
    upgrade_again: str
    differences: tuple[str, ...]
    statements: tuple[ObservedDocument, ...]
    error: str | None
    checks: tuple[_CheckDocument, ...]


class VerifyDocument(Struct, frozen=True):
    """What `verify` proved; `statements` are as in `explain`, observed."""

    version: int
    revisions: tuple[_RevisionDocument, ...]
    checks: tuple[_CheckDocument, ...]


def verify_document(proof: HistoryProof) -> VerifyDocument:
    """Return the document of `verify`, the revisions in the order of an upgrade."""
    return VerifyDocument(
        _VERSION,
        tuple(map(_revision_document, proof.revisions)),
        tuple(map(_check_document, proof.checks)),
    )


def _check_document(check: Check) -> _CheckDocument:
    return _CheckDocument(
        property=check.subject.value,
        number=check.subject.number,
        standing=check.standing.value,
        reason=check.reason,
        details=check.details,
        help=check.help,
        path=check.path,
        line=check.line,
        warning=check.warning,
    )


def _revision_document(proof: RevisionProof) -> _RevisionDocument:
    return _RevisionDocument(
        revision=proof.revision,
        upgrade=proof.upgrade.value,
        downgrade=proof.downgrade.value,
        restored=proof.restored,
        upgrade_again=proof.upgrade_again.value,
        differences=proof.differences,
        statements=tuple(map(_statement_document, proof.statements)),
        error=proof.error,
        checks=tuple(map(_check_document, proof.checks)),
    )


def _statement_document(observed: ObservedStatement) -> ObservedDocument:
    statement = Statement(
        sql=observed.sql,
        path=observed.path,
        span=Span(observed.line, 1, observed.line, 1),
        revision=observed.revision,
        direction=observed.direction,
        ordinal=observed.ordinal,
        transaction=observed.transaction,
    )
    facts = Facts(observed.locks, observed.rewrites, observed.scans, certainty=observed.certainty)
    return ObservedDocument(
        **structs.asdict(statement_document(statement, facts)),
        error=observed.error,
        duration_ms=round(observed.duration_ms, 3),
        lock_timeout_ms=observed.lock_timeout_ms,
        rows=tuple(map(_rows_document, observed.rows)),
        rewrite_reasons=tuple(
            _RewriteDocument(str(one.table), one.reason) for one in observed.rewrite_reasons
        ),
    )


def _rows_document(rows: TableRows) -> _RowsDocument:
    return _RowsDocument(
        str(rows.table),
        rows.read,
        rows.inserted,
        rows.updated,
        rows.deleted,
        rows.is_preexisting,
    )
