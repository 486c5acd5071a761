"""Findings, explanations, proofs and progress, as text, as JSON and in the formats of others."""

from safemigrate.report.documents import (
    ExplainDocument,
    LintDocument,
    StatementDocument,
    encode_document,
    explain_document,
    lint_document,
    statement_document,
)
from safemigrate.report.explain import format_explanation
from safemigrate.report.findings import format_findings, format_unjudged, list_findings
from safemigrate.report.formats import LINT_FORMATS, Judgement, format_lint
from safemigrate.report.proofs import (
    VerifyDocument,
    format_proof,
    format_proofs,
    verify_document,
)
from safemigrate.report.rules import RulesDocument, format_rule, format_rules, rules_document
from safemigrate.report.tone import Paint, Tone, leave_plain

__all__ = [
    "LINT_FORMATS",
    "ExplainDocument",
    "Judgement",
    "LintDocument",
    "Paint",
    "RulesDocument",
    "StatementDocument",
    "Tone",
    "VerifyDocument",
    "encode_document",
    "explain_document",
    "format_explanation",
    "format_findings",
    "format_lint",
    "format_proof",
    "format_proofs",
    "format_rule",
    "format_rules",
    "format_unjudged",
    "leave_plain",
    "lint_document",
    "list_findings",
    "rules_document",
    "statement_document",
    "verify_document",
]
