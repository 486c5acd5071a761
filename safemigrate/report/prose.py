"""A finding in plain words: the same ones in every format."""

from safemigrate.model import Confidence, Finding, Lock
from safemigrate.report.excerpt import one_line, show_code
from safemigrate.report.wording import enumerate_words

__all__ = [
    "choose_code",
    "describe_finding",
    "format_locks",
    "name_confidence",
    "show_message",
]


def show_message(finding: Finding) -> str:
    """Return what was found, on one line, without passwords."""
    return one_line(finding.message)


def name_confidence(finding: Finding) -> str:
    """Return ` (low confidence)`, empty when it is high."""
    if finding.confidence is Confidence.HIGH:
        return ""
    return f" ({finding.confidence.value} confidence)"


def describe_finding(finding: Finding) -> str:
    """Return all there is to say about a finding but its place, the message in the first line."""
    lines = [f"{show_message(finding)}{name_confidence(finding)}"]
    if finding.why:
        lines.append(one_line(finding.why))
    if finding.locks:
        lines.append(f"locks: {one_line(format_locks(finding.locks))}")
    if finding.blocks:
        lines.append(f"blocks: {', '.join(finding.blocks)}")
    if finding.remedy is not None:
        lines.append(f"help: {one_line(finding.remedy.advice)}")
        lines += [f"    {line}".rstrip() for line in choose_code(finding)[1]]
    lines.append(f"more: {finding.page or f'safemigrate rule {finding.rule}'}")
    return "\n".join(lines)


def choose_code(finding: Finding) -> tuple[str, list[str]]:
    """Return the language of the code to paste, and its lines.

    `python` for a revision and `sql` for a SQL file, where there is code in that language; no
    lines when there is none in either.
    """
    remedy = finding.remedy
    if remedy is None:
        return "", []
    codes = {"python": remedy.alembic, "sql": remedy.sql}
    order = ("sql", "python") if finding.revision is None else ("python", "sql")
    for language in order:
        if codes[language].strip():
            return language, show_code(codes[language])
    return "", []


def format_locks(locks: tuple[Lock, ...]) -> str:
    """Return the locks on one line, those of one mode together."""
    relations: dict[str, list[str]] = {}
    for lock in locks:
        relations.setdefault(lock.mode.value, []).append(str(lock.relation))
    return "; ".join(f"{mode} on {enumerate_words(names)}" for mode, names in relations.items())
