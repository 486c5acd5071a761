"""Each format shows the same findings, as its golden file has them.

`SAFEMIGRATE_WRITE_DOCS=1 pytest tests/report/test_golden.py` writes the files anew; read the
difference before committing it.
"""

import os
from pathlib import Path

import pytest

from safemigrate.report import LINT_FORMATS, Judgement, format_lint
from safemigrate.report.prose import show_message
from safemigrate.report.sarif import format_sarif
from tests.report.exhibit import PASSWORD, RESULT, RULES, TIMELINE, VERSION
from tests.report.readback import READERS, Seen

GOLDEN = Path(__file__).parent / "golden"
FILES = {
    "text": "lint.txt",
    "json": "lint.json",
    "sarif": "lint.sarif",
    "junit": "lint.xml",
    "github": "lint.github.txt",
    "gitlab": "lint.gitlab.json",
    "markdown": "lint.markdown",
}


def write(format_: str) -> str:
    if format_ == "sarif":
        # with the pages of rules that nobody edits
        return format_sarif(RESULT, TIMELINE, rules=RULES, version=VERSION)
    return format_lint(format_, Judgement(RESULT, TIMELINE))


def test_every_format_has_a_golden_file_and_a_reader() -> None:
    assert [*FILES] == [*READERS] == [*LINT_FORMATS]
    assert {path.name for path in GOLDEN.iterdir()} == {*FILES.values()}


@pytest.mark.parametrize("format_", LINT_FORMATS)
def test_a_format_is_as_its_golden_file(format_: str) -> None:
    path = GOLDEN / FILES[format_]
    made = write(format_).encode()
    if os.environ.get("SAFEMIGRATE_WRITE_DOCS") == "1":
        path.write_bytes(made)
    assert path.read_bytes().decode() == made.decode()


@pytest.mark.parametrize("format_", LINT_FORMATS)
def test_a_format_tells_every_finding_in_the_same_words(format_: str) -> None:
    expected = [
        Seen(one.path, one.span.line, one.rule, one.severity.value, show_message(one))
        for one in RESULT.findings
    ]
    assert len(expected) == 8
    assert sorted(READERS[format_](write(format_))) == sorted(expected)


@pytest.mark.parametrize("format_", LINT_FORMATS)
def test_a_format_tells_what_was_not_judged(format_: str) -> None:
    document = write(format_)
    missing = [one.reason for one in RESULT.unjudged if one.reason.split(":")[0] not in document]
    assert missing == []


@pytest.mark.parametrize("format_", LINT_FORMATS)
def test_a_format_hides_passwords(format_: str) -> None:
    assert PASSWORD in TIMELINE.passages[3].migration.text
    assert PASSWORD not in write(format_)
