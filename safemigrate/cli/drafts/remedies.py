"""The way that a finding offers, as revisions to be written in place of what it was found in."""

import ast
import re
from dataclasses import replace

from safemigrate.cli.drafts.draft import Draft, Piece
from safemigrate.model import Catalog, Constraint, Finding, Remedy, Severity, Table
from safemigrate.recipes import part_revisions

__all__ = ["counts", "is_same_schema", "list_ways", "must_end_the_same", "weigh"]

# Where the code of a remedy stands for the whole statement, and ends in another schema on purpose.
_OTHER_ENDS = frozenset(
    {
        "column-type-narrowing",
        "column-type-rewrite",
        "column-type-scan",
        "renamed-column",
        "renamed-enum-value",
        "renamed-table",
    }
)
# Where it is the statement itself, said in another way or in steps.
_SAME_STATEMENT = frozenset(
    {
        "altered-constraint",
        "changed-access-method",
        "changed-persistence",
        "constrained-domain-rewrite",
        "dropped-column",
        "dropped-constraint",
        "dropped-default",
        "dropped-expression",
        "dropped-extension",
        "dropped-identity",
        "dropped-key",
        "dropped-not-null",
        "dropped-routine",
        "dropped-schema",
        "dropped-sequence",
        "dropped-table",
        "dropped-trigger",
        "dropped-type",
        "dropped-view",
        "maintenance-in-transaction",
        "moved-tablespace",
        "new-trigger",
        "non-concurrent-refresh",
        "non-concurrent-reindex",
        "owner-change",
        "renamed-constraint",
        "renamed-object",
        "renamed-schema",
        "replica-identity-change",
        "required-column-without-default",
        "revoked-privilege",
        "truncated-table",
        "validation-in-same-transaction",
        "volatile-default-rewrite",
    }
)
_IGNORE = re.compile(r"^(?P<head>\s*# safemigrate: ignore\[[\w-]+\] )(?P<reason>.*)$", re.MULTILINE)
_BLANK = re.compile(r"<[a-z][a-z ]*>")


def list_ways(
    piece: Piece, finding: Finding, *, reason: str | None, is_same_end: bool
) -> tuple[Draft, ...]:
    """Return the revisions that do what `piece` should as the finding says, none where it has none.

    `reason`: what the ignore comments in it say; they are left out where there is none.
    `is_same_end`: another schema than the piece ends in is no way.
    """
    remedy = finding.remedy
    if remedy is None or not remedy.alembic:
        return ()
    if is_same_end and finding.rule in _OTHER_ENDS:
        return ()
    code = _fill(remedy, reason)
    parts = part_revisions(code)
    if _BLANK.search(code) or not all(_is_operations(part.code) for part in parts):
        return ()
    imports = piece.imports
    return tuple(Draft((Piece(part.code, imports=imports),), note=part.note) for part in parts)


def must_end_the_same(finding: Finding) -> bool:
    """Return whether the code is known to stand for the statement only if it ends as that does."""
    return finding.rule not in _OTHER_ENDS | _SAME_STATEMENT


def _fill(remedy: Remedy, reason: str | None) -> str:
    """Return the code with the reason in its ignore comments, or without these."""
    if reason is not None:
        return _IGNORE.sub(lambda found: f"{found['head']}{reason}", remedy.alembic)
    return re.sub(_IGNORE.pattern + r"\n?", "", remedy.alembic, flags=re.MULTILINE)


def _is_operations(code: str) -> bool:
    """Return whether the code is calls of operations and nothing else."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return False
    return bool(tree.body) and all(_is_operation(one) for one in tree.body)


def _is_operation(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="op")))):
            return True
        case ast.With(body=body):
            return all(map(_is_operation, body))
    return False


def counts(finding: Finding) -> bool:
    """Return whether the finding is worth another way."""
    return finding.severity is not Severity.INFO


def weigh(findings: tuple[Finding, ...]) -> tuple[int, int]:
    """Return how many errors and warnings there are, to be compared."""
    errors = sum(one.severity is Severity.ERROR for one in findings)
    return errors, sum(one.severity is Severity.WARNING for one in findings)


def is_same_schema(first: Catalog, second: Catalog) -> bool:
    """Return whether two catalogs hold the same tables, columns, constraints and indexes."""
    tables = {*first.tables.list_differing(second.tables)}
    indexes = {*first.indexes.list_differing(second.indexes)}
    if any(first.indexes.get(one) != second.indexes.get(one) for one in indexes):
        return False
    return (
        all(
            _plain(first.tables.get(one), first) == _plain(second.tables.get(one), second)
            for one in tables
        )
        and first.enums == second.enums
        and first.domains == second.domains
        and first.functions == second.functions
        and first.sequences == second.sequences
        and first.schemas == second.schemas
    )


def _plain(table: Table | None, catalog: Catalog) -> Table | None:
    """Return the table without what two ways to it may differ in."""
    if table is None:
        return None
    constraints = {name: _name_columns(one, catalog) for name, one in table.constraints.items()}
    return replace(table, identity=0, is_empty=False, constraints=constraints)


def _name_columns(constraint: Constraint, catalog: Catalog) -> Constraint:
    """Return a foreign key with the columns it leads to, where those were left to be understood."""
    if constraint.references is None or constraint.referenced_columns:
        return constraint
    columns = catalog.primary_key(constraint.references)
    return replace(constraint, referenced_columns=columns)
