"""The JSON of the reports, version 1: a contract with the scripts that read it.

The fields of the structs are the keys, in the order they are written.
"""

import re

from msgspec import Struct, json, to_builtins

from safemigrate.model import (
    Facts,
    Finding,
    LintResult,
    Lock,
    Severity,
    Statement,
    Timeline,
    Unjudged,
)
from safemigrate.model.secrets import hide_sql_passwords
from safemigrate.report.order import sort_findings
from safemigrate.report.prose import show_message

__all__ = [
    "ExplainDocument",
    "LintDocument",
    "StatementDocument",
    "encode_document",
    "encode_lint",
    "explain_document",
    "lint_document",
    "statement_document",
]

_VERSION = 1


class _ModeDocument(Struct, frozen=True):
    relation: str
    mode: str


class _HelpDocument(Struct, frozen=True):
    sql: str
    alembic: str


class _FindingDocument(Struct, frozen=True):
    rule: str
    severity: str
    confidence: str
    message: str
    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    revision: str | None
    direction: str
    sql: str
    locks: tuple[_ModeDocument, ...]
    blocks: tuple[str, ...]
    help: _HelpDocument


class _UnjudgedDocument(Struct, frozen=True):
    path: str
    line: int
    revision: str | None
    reason: str


class _SummaryDocument(Struct, frozen=True):
    errors: int
    warnings: int
    infos: int
    statements: int
    judged: int
    unjudged: tuple[_UnjudgedDocument, ...]


class LintDocument(Struct, frozen=True):
    """What `lint` found."""

    version: int
    findings: tuple[_FindingDocument, ...]
    summary: _SummaryDocument


class _LockDocument(Struct, frozen=True):
    relation: str
    mode: str
    preexisting: bool


class StatementDocument(Struct, frozen=True):
    """What one statement does; `transaction` is None outside a transaction."""

    path: str
    line: int
    revision: str | None
    direction: str
    ordinal: int
    sql: str
    transaction: int | None
    locks: tuple[_LockDocument, ...]
    rewrites: tuple[str, ...]
    scans: tuple[str, ...]
    certainty: str


class ExplainDocument(Struct, frozen=True):
    """What each statement of a history does."""

    version: int
    statements: tuple[StatementDocument, ...]


def encode_document(document: object) -> str:
    """Return the document as JSON, indented, with a newline at the end.

    Half a surrogate pair, of a file's name that is not UTF-8, becomes `�`: JSON has no place for
    it.
    """
    try:
        encoded = json.encode(document)
    except UnicodeEncodeError:
        encoded = json.encode(_replace_surrogates(to_builtins(document)))
    return json.format(encoded, indent=2).decode() + "\n"


def _replace_surrogates(value: object) -> object:
    """Return the values of JSON with text that can be encoded."""
    if isinstance(value, str):
        return re.sub(r"[\ud800-\udfff]", "�", value)
    if isinstance(value, (list, tuple)):
        return [_replace_surrogates(each) for each in value]
    if isinstance(value, dict):
        return {key: _replace_surrogates(each) for key, each in value.items()}
    return value


def lint_document(result: LintResult) -> LintDocument:
    """Return the document of `lint`, the findings by path and place."""
    return LintDocument(
        version=_VERSION,
        findings=tuple(map(_finding_document, sort_findings(result.findings))),
        summary=_SummaryDocument(
            errors=result.count(Severity.ERROR),
            warnings=result.count(Severity.WARNING),
            infos=result.count(Severity.INFO),
            statements=result.statements,
            judged=result.judged,
            unjudged=tuple(map(_unjudged_document, result.unjudged)),
        ),
    )


def encode_lint(result: LintResult) -> str:
    """Return the document of `lint` as `encode_document` writes it."""
    return encode_document(lint_document(result))


def _finding_document(finding: Finding) -> _FindingDocument:
    remedy = finding.remedy
    return _FindingDocument(
        rule=finding.rule,
        severity=finding.severity.value,
        confidence=finding.confidence.value,
        message=show_message(finding),
        path=finding.path,
        line=finding.span.line,
        column=finding.span.column,
        end_line=finding.span.end_line,
        end_column=finding.span.end_column,
        revision=finding.revision,
        direction=finding.direction.value,
        sql=hide_sql_passwords(finding.sql),
        locks=tuple(_ModeDocument(str(lock.relation), lock.mode.value) for lock in finding.locks),
        blocks=finding.blocks,
        help=_HelpDocument("", "")
        if remedy is None
        else _HelpDocument(hide_sql_passwords(remedy.sql), hide_sql_passwords(remedy.alembic)),
    )


def _unjudged_document(entry: Unjudged) -> _UnjudgedDocument:
    reason = hide_sql_passwords(entry.reason)
    return _UnjudgedDocument(entry.path, entry.line, entry.revision, reason)


def explain_document(timeline: Timeline, paths: frozenset[str] | None = None) -> ExplainDocument:
    """Return the document of `explain`, for the migrations at these paths (None: for all)."""
    return ExplainDocument(
        version=_VERSION,
        statements=tuple(
            statement_document(explained.statement, explained.facts)
            for passage in timeline.passages
            if paths is None or passage.migration.path in paths
            for explained in passage.statements
        ),
    )


def statement_document(statement: Statement, facts: Facts) -> StatementDocument:
    """Return the document of one statement, its facts predicted or observed."""
    return StatementDocument(
        path=statement.path,
        line=statement.span.line,
        revision=statement.revision,
        direction=statement.direction.value,
        ordinal=statement.ordinal,
        sql=hide_sql_passwords(statement.sql),
        transaction=statement.transaction,
        locks=tuple(map(_lock_document, facts.locks)),
        rewrites=tuple(map(str, facts.rewrites)),
        scans=tuple(map(str, facts.scans)),
        certainty=facts.certainty.value,
    )


def _lock_document(lock: Lock) -> _LockDocument:
    return _LockDocument(str(lock.relation), lock.mode.value, lock.is_preexisting)
