"""What a project is expected to come to, as text that a person reads and judges."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.projects.conftest import Report

Entry = Mapping[str, Any]

# where a package is installed, which Python tells when it lacks a name
_FOLDER = re.compile(r" \(/[^)]*\)")


def write_outcome(lint: Report, explain: Report) -> str:
    """Return the findings, what is not known, the notices, and each statement with its locks."""
    document = lint.document
    summary = document["summary"]
    sections = {
        "findings": map(_describe_finding, document["findings"]),
        "unjudged": map(_describe_entry, summary["unjudged"]),
        "assumed": lint.assumptions,
        "notices": lint.notices,
        "statements": _describe_statements(explain.document["statements"]),
    }
    parts = [f"{name}\n" + "".join(f"  {line}\n" for line in sections[name]) for name in sections]
    return "\n".join((f"exit code {lint.code}\n", *parts))


def _describe_finding(entry: Entry) -> str:
    return (
        f"{entry['path']}:{entry['line']}  {entry['revision']} {entry['direction']}  "
        f"{entry['rule']}  {entry['severity']}, {entry['confidence']}"
    )


def _describe_entry(entry: Entry) -> str:
    return (
        f"{entry['path']}:{entry['line']}  {entry['revision']}  {_FOLDER.sub('', entry['reason'])}"
    )


def _describe_statements(entries: Sequence[Entry]) -> Iterator[str]:
    passage = None
    for entry in entries:
        if passage != (passage := (entry["path"], entry["revision"], entry["direction"])):
            yield f"{entry['path']}  {entry['revision']} {entry['direction']}"
        number = entry["transaction"]
        transaction = "no transaction" if number is None else f"transaction {number}"
        yield f"  {entry['line']}  {transaction}, {entry['certainty']}: {_one_line(entry['sql'])}"
        for lock in entry["locks"]:
            is_new = "" if lock["preexisting"] else " (new)"
            yield f"      {lock['mode']} on {lock['relation']}{is_new}"


def _one_line(sql: str) -> str:
    return " ".join(sql.split())
