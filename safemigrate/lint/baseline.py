"""The findings that a project had on the day it began: known, and left out of reports.

An entry is a rule, where it speaks, and the fingerprint of the statement, so that lines may move
and messages be worded anew; of what is about a whole file, the fingerprint of the message. It
stands for as many findings as it counts.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from safemigrate.errors import ConfigError
from safemigrate.model import Finding, LintResult
from safemigrate.model.prose import as_clause
from safemigrate.model.secrets import hide_sql_passwords
from safemigrate.sql import read_comments

__all__ = [
    "Baseline",
    "BaselineEntry",
    "Scope",
    "decode_baseline",
    "encode_baseline",
    "leave_out",
    "list_known",
]

_VERSION = 1
_FINGERPRINT_LENGTH = 16

Place = Callable[[str], str]
"""Turns the path of a migration into the one that the file has for it."""


@dataclass(frozen=True, slots=True, order=True)
class BaselineEntry:
    """A kind of finding; of `path` and `revision` one is empty: revisions are known by their id."""

    path: str
    revision: str
    rule: str
    fingerprint: str


Baseline = Mapping[BaselineEntry, int]
"""How many findings there are of each kind."""

Scope = Callable[[BaselineEntry], bool]
"""Tells whether the findings of an entry would have been found, if they were still there."""


def list_known(findings: Iterable[Finding], place: Place) -> Baseline:
    """Return the baseline that these findings are."""
    return Counter(_entry(finding, place) for finding in findings)


def leave_out(
    result: LintResult, baseline: Baseline, *, place: Place, scope: Scope, name: str
) -> LintResult:
    """Return the result without the findings that the baseline has.

    A notice counts those of its findings in `scope` that are not there any more. `name`: what the
    notice calls the baseline.
    """
    left = Counter(baseline)
    kept = []
    for finding in result.findings:
        entry = _entry(finding, place)
        if left[entry] > 0:
            left[entry] -= 1
        else:
            kept.append(finding)
    gone = sum(count for entry, count in left.items() if scope(entry))
    notices = (*result.notices, _describe_gone(gone, name)) if gone else result.notices
    return replace(
        result,
        findings=tuple(kept),
        baselined=len(result.findings) - len(kept),
        notices=notices,
    )


def _describe_gone(number: int, name: str) -> str:
    what = "1 finding" if number == 1 else f"{number} findings"
    verb, those = ("is", "it") if number == 1 else ("are", "them")
    advice = f"--write-baseline takes {those} out"
    return f'{what} of the baseline "{name}" {verb} not there any more; {advice}'


def _entry(finding: Finding, place: Place) -> BaselineEntry:
    # a fingerprint that knew the password would let it be guessed
    text = hide_sql_passwords(finding.sql)
    words = " ".join(_strip_comments(text).split()) if text else finding.message
    # a name that is not UTF-8 has half surrogate pairs
    digest = sha256(words.encode("utf-8", errors="surrogatepass")).hexdigest()
    return BaselineEntry(
        path="" if finding.revision else place(finding.path),
        revision=finding.revision or "",
        rule=finding.rule,
        fingerprint=digest[:_FINGERPRINT_LENGTH],
    )


def _strip_comments(sql: str) -> str:
    """Return the statement without `--` comments: an ignore that is put in changes nothing else."""
    kept, end = [], 0
    for comment in read_comments(sql):
        kept.append(sql[end : comment.offset])
        newline = sql.find("\n", comment.offset)
        end = len(sql) if newline < 0 else newline
    return "".join((*kept, sql[end:]))


class _EntryDocument(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    rule: str
    fingerprint: str
    count: Annotated[int, Meta(ge=1)]
    path: str = ""
    revision: str = ""


class _Document(Struct, frozen=True, forbid_unknown_fields=True):
    """The file; the fields are the keys, in the order they are written."""

    version: int
    findings: tuple[_EntryDocument, ...]


class _Head(Struct, frozen=True):
    """What every version of the file has."""

    version: int


def encode_baseline(baseline: Baseline) -> str:
    """Return the baseline as JSON, sorted, with a newline at the end."""
    document = _Document(
        version=_VERSION,
        findings=tuple(
            _EntryDocument(entry.rule, entry.fingerprint, count, entry.path, entry.revision)
            for entry, count in sorted(baseline.items())
        ),
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def decode_baseline(text: str, path: str) -> Baseline:
    """Return the baseline that the text is; raises ConfigError, with `path`, when it is none."""
    hint = "write it anew with safemigrate lint --write-baseline"
    try:
        head = msgspec.json.decode(text, type=_Head)
        if head.version != _VERSION:
            raise ConfigError(
                f'"{path}" is a baseline of version {head.version}, which is not known here', hint
            )
        read = msgspec.json.decode(text, type=_Document)
    except msgspec.DecodeError as error:
        reason = str(error).replace("`", "")
        raise ConfigError(f'"{path}" is not a baseline: {as_clause(reason)}', hint) from error
    known: Counter[BaselineEntry] = Counter()
    for one in read.findings:
        known[BaselineEntry(one.path, one.revision, one.rule, one.fingerprint)] += one.count
    return known
