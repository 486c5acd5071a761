"""Findings, explanations, proofs and progress, as text, as JSON and in the formats of others.

What a run that writes text has no use for is imported when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from safemigrate.report.findings import (
    format_assumptions,
    format_findings,
    format_unjudged,
    list_findings,
)
from safemigrate.report.formats import LINT_FORMATS, Judgement, format_lint
from safemigrate.report.tone import Paint, Tone, leave_plain

if TYPE_CHECKING:
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
    from safemigrate.report.proof_documents import VerifyDocument, verify_document
    from safemigrate.report.proof_github import format_proof_github
    from safemigrate.report.proof_junit import format_proof_junit
    from safemigrate.report.proof_markdown import format_proof_markdown
    from safemigrate.report.proofs import format_proof, format_proofs, list_properties
    from safemigrate.report.rules import RulesDocument, format_rule, format_rules, rules_document

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
    "format_assumptions",
    "format_explanation",
    "format_findings",
    "format_lint",
    "format_proof",
    "format_proof_github",
    "format_proof_junit",
    "format_proof_markdown",
    "format_proofs",
    "format_rule",
    "format_rules",
    "format_unjudged",
    "leave_plain",
    "lint_document",
    "list_findings",
    "list_properties",
    "rules_document",
    "statement_document",
    "verify_document",
]

_SELDOM = {
    "ExplainDocument": "documents",
    "LintDocument": "documents",
    "RulesDocument": "rules",
    "StatementDocument": "documents",
    "VerifyDocument": "proof_documents",
    "encode_document": "documents",
    "explain_document": "documents",
    "format_explanation": "explain",
    "format_proof": "proofs",
    "format_proof_github": "proof_github",
    "format_proof_junit": "proof_junit",
    "format_proof_markdown": "proof_markdown",
    "format_proofs": "proofs",
    "format_rule": "rules",
    "format_rules": "rules",
    "lint_document": "documents",
    "list_properties": "proofs",
    "rules_document": "rules",
    "statement_document": "documents",
    "verify_document": "proof_documents",
}


def __getattr__(name: str) -> object:
    module = _SELDOM.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{module}"), name)
    return found
