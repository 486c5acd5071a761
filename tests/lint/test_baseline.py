"""Findings that were there on the first day."""

import json
from dataclasses import replace

import pytest

from safemigrate.errors import ConfigError
from safemigrate.lint import (
    Baseline,
    BaselineEntry,
    decode_baseline,
    encode_baseline,
    leave_out,
    list_known,
)
from safemigrate.model import Confidence, Direction, Finding, LintResult, Severity, Span

FINDING = Finding(
    rule="dropped-table",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    message='dropping "a"',
    why="",
    path="versions/aaaa.py",
    span=Span(9, 5, 9, 20),
    revision="aaaa",
    direction=Direction.UPGRADE,
    sql="DROP TABLE a",
)
OTHER = replace(FINDING, revision="bbbb", path="versions/bbbb.py")
FILE = replace(FINDING, revision=None, path="sql/1.sql")


def same(path: str) -> str:
    return path


def known(*findings: Finding) -> Baseline:
    return list_known(findings, same)


def left(baseline: Baseline, *findings: Finding, is_in_scope: bool = True) -> LintResult:
    result = LintResult(findings, statements=1, judged=1, unjudged=(), migrations=1)
    return leave_out(result, baseline, place=same, scope=lambda _: is_in_scope, name="known.json")


def test_what_is_in_the_baseline_is_left_out_and_counted() -> None:
    result = left(known(FINDING, FILE), FINDING, OTHER, FILE)
    assert result.findings == (OTHER,)
    assert result.baselined == 2
    assert result.notices == ()


@pytest.mark.parametrize(
    "moved",
    [
        replace(FINDING, span=Span(90, 1, 90, 2)),
        replace(FINDING, message="other words", why="other words"),
        replace(FINDING, severity=Severity.INFO),
        replace(FINDING, path="versions/renamed_aaaa.py"),
        replace(FINDING, sql="DROP   TABLE\n  a"),
        replace(FINDING, sql="DROP TABLE -- safemigrate: ignore[other] x\n a"),
    ],
)
def test_a_finding_that_moves_is_the_same(moved: Finding) -> None:
    assert left(known(FINDING), moved).findings == ()


@pytest.mark.parametrize(
    "other",
    [
        OTHER,
        FILE,
        replace(FILE, path="sql/2.sql"),
        replace(FINDING, rule="other-rule"),
        replace(FINDING, sql="DROP TABLE b"),
    ],
)
def test_another_finding_is_not(other: Finding) -> None:
    assert left(known(FINDING), other).findings == (other,)


def test_a_finding_about_a_file_is_known_by_its_message() -> None:
    about = replace(FINDING, sql="", rule="empty-downgrade")
    assert left(known(about), about).findings == ()
    assert left(known(about), replace(about, message="another")).baselined == 0


def test_an_entry_stands_for_as_many_findings_as_it_counts() -> None:
    result = left(known(FINDING, FINDING), FINDING, FINDING, FINDING)
    assert (len(result.findings), result.baselined) == (1, 2)


def test_findings_that_are_gone_are_counted_in_a_notice() -> None:
    (notice,) = left(known(FINDING, FINDING, OTHER), FINDING).notices
    assert notice == (
        '2 findings of the baseline "known.json" are not there any more; --write-baseline takes '
        "them out"
    )
    (notice,) = left(known(FINDING)).notices
    assert notice.startswith("1 finding of the baseline")


def test_what_was_not_looked_for_is_not_gone() -> None:
    assert left(known(FINDING), is_in_scope=False).notices == ()


def test_a_password_leaves_no_trace_in_the_fingerprint() -> None:
    secret = replace(FINDING, sql="ALTER ROLE a PASSWORD 'x'")
    assert known(secret) == known(replace(secret, sql="ALTER ROLE a PASSWORD 'y'"))


def test_the_file_is_sorted_and_read_back() -> None:
    baseline = known(OTHER, FINDING, FILE, FINDING)
    text = encode_baseline(baseline)
    assert text == encode_baseline(known(FINDING, FINDING, FILE, OTHER))
    assert decode_baseline(text, "known.json") == baseline
    document = json.loads(text)
    assert document["version"] == 1
    assert [
        (one["rule"], one.get("path"), one.get("revision"), one["count"])
        for one in document["findings"]
    ] == [
        ("dropped-table", None, "aaaa", 2),
        ("dropped-table", None, "bbbb", 1),
        ("dropped-table", "sql/1.sql", None, 1),
    ]


def test_an_entry_written_twice_counts_twice() -> None:
    entry = {"rule": "a", "fingerprint": "1", "count": 2, "path": "x"}
    text = json.dumps({"version": 1, "findings": [entry, entry]})
    assert decode_baseline(text, "b.json") == {BaselineEntry("x", "", "a", "1"): 4}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", '"b.json" is not a baseline: input data was truncated'),
        ("{a", '"b.json" is not a baseline: JSON is malformed'),
        ("[]", '"b.json" is not a baseline: expected object, got array'),
        ('{"version": 2}', '"b.json" is a baseline of version 2, which is not known here'),
        ('{"version": 1}', "missing required field findings"),
        ('{"version": 1, "findings": [], "x": 1}', "unknown field x"),
        (
            '{"version": 1, "findings": [{"rule": "a", "fingerprint": "1", "count": 0}]}',
            "expected int >= 1 - at $.findings[0].count",
        ),
    ],
)
def test_a_file_that_is_none_is_refused_in_words(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        decode_baseline(text, "b.json")
    assert problem in caught.value.message
    assert "--write-baseline" in caught.value.hint
