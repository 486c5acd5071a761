"""The comment on a pull request: what stands in it, and what goes first without room."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from safemigrate.model import (
    Certainty,
    Check,
    ExplainedStatement,
    Facts,
    Finding,
    HistoryProof,
    LintResult,
    Lock,
    LockMode,
    Outcome,
    Property,
    QualifiedName,
    Remedy,
    RevisionProof,
    ServerVersion,
    Severity,
    Standing,
    Statement,
    Timeline,
)
from safemigrate.report import Judgement
from safemigrate.report.comment import Review, format_comment
from safemigrate.report.markdown_text import COMMENT_LIMIT, measure
from tests.report.exhibit import PASSWORD, RESULT, REVISION_PATH, SQL_PATH, TIMELINE
from tests.report.readback import show_inline

MakeFinding = Callable[..., Finding]
MakeResult = Callable[..., LintResult]

EVIL = 'a|b`<i>@team #12 ```\n/close "$x$ ~y"'
NOBODY = LintResult((), 0, 0, (), 0)

PASSAGE = TIMELINE.passages[1]
STATEMENT = PASSAGE.statements[0].statement


def write(review: Review, *, limit: int = COMMENT_LIMIT, mark: str = "<!-- m -->") -> str:
    text = format_comment(review, mark=mark, limit=limit, version="1.2.3")
    assert measure(text) <= limit
    assert text.startswith(mark)
    return text


def judge_statements(*statements: ExplainedStatement) -> Review:
    """Return a review of one revision with these statements and no finding."""
    timeline = Timeline((replace(PASSAGE, statements=statements),))
    return Review(Judgement(replace(RESULT, findings=(), unjudged=()), timeline, None))


def explain(facts: Facts, sql: str = "SELECT 1", error: str = "") -> ExplainedStatement:
    statement: Statement = replace(STATEMENT, sql=sql)
    return ExplainedStatement(statement, (), facts, error)


def read_rows(document: str) -> list[list[str]]:
    """Return the cells of the rows of all tables."""
    tokens = MarkdownIt("commonmark").enable("table").parse(document)
    rows: list[list[str]] = []
    for before, token in pairwise(tokens):
        if before.type == "tr_open":
            rows.append([])
        if before.type in {"td_open", "th_open"}:
            rows[-1].append(show_inline(token))
    return rows


def prove(*checks: Check, revision: str = "0002", path: str = REVISION_PATH) -> HistoryProof:
    proof = RevisionProof(revision, path, "Prices", Outcome.OK, Outcome.OK, checks=checks)
    return HistoryProof((proof,), "embedded", ServerVersion(18))


def test_a_statement_has_a_row_for_each_relation() -> None:
    t, i = QualifiedName("public", "t"), QualifiedName("public", "i")
    facts = Facts(
        (Lock(t, LockMode.ACCESS_EXCLUSIVE), Lock(i, LockMode.SHARE)),
        rewrites=(t,),
        scans=(t, QualifiedName("public", "far")),
        certainty=Certainty.ASSUMED,
    )
    new = Lock(QualifiedName("public", "new"), LockMode.ACCESS_EXCLUSIVE, is_preexisting=False)
    unknown = Facts(certainty=Certainty.UNKNOWN)
    document = write(
        judge_statements(
            explain(facts, "ALTER TABLE t ALTER a TYPE bigint"),
            explain(Facts((new,)), "CREATE TABLE new ()"),
            explain(unknown, "CALL f()"),
            explain(Facts(), "ALTER TABEL", "syntax error"),
        )
    )
    line = str(STATEMENT.span.line)

    assert read_rows(document) == [
        ["line", "statement", "lock", "on", "rewrites", "scans", "waiting meanwhile", "sure"],
        [
            *(line, "ALTER TABLE t ALTER a TYPE bigint", "ACCESS EXCLUSIVE", "public.t"),
            *("yes", "yes", "all, SELECT too", "assumed"),
        ],
        ["", "", "SHARE", "public.i", "", "", "INSERT, UPDATE, DELETE, MERGE", "assumed"],
        ["", "", "", "public.far", "", "yes", "nothing", "assumed"],
        [line, "CALL f()", "?", "", "", "", "", "unknown"],
        [line, "ALTER TABEL", "refused", "", "", "", "", "syntax error"],
    ]
    assert "\n1 more statement locks nothing that was there before.\n" in document


def test_a_revision_that_locks_nothing_has_no_table() -> None:
    document = write(judge_statements(explain(Facts()), explain(Facts())))

    assert read_rows(document) == []
    assert "#### Locks\n\n2 statements lock nothing that was there before.\n" in document


def test_a_long_table_is_cut_and_says_so() -> None:
    lock = Facts((Lock(QualifiedName("public", "t"), LockMode.SHARE),))
    document = write(judge_statements(*[explain(lock)] * 35))

    assert len(read_rows(document)) == 1 + 30
    assert "\nAnd 5 rows more.\n" in document


def test_names_are_shown_as_they_are_and_call_nobody() -> None:
    lock = Facts((Lock(QualifiedName(EVIL, EVIL), LockMode.SHARE),))
    review = judge_statements(explain(lock, f"ALTER TABLE {EVIL}"))
    (passage,) = review.judgement.timeline.passages
    migration = replace(passage.migration, message=EVIL)
    timeline = Timeline((replace(passage, migration=migration),))
    judgement = replace(review.judgement, timeline=timeline)
    document = write(Review(judgement, prove(), unproved=EVIL, project=f"{EVIL}/alembic.ini"))

    (_, row) = read_rows(document)
    assert row[1] == " ".join(f"ALTER TABLE {EVIL}".split())
    for line in document.splitlines():
        outside = re.sub(r"`[^`]*`|<!-- -->|&#\d+;", "", line)
        assert not re.search(r"@team|#12|<i>", outside), line
        assert not line.startswith("/")


def test_everything_of_the_exhibit_stands_in_it() -> None:
    document = write(Review(Judgement(RESULT, TIMELINE)))

    assert PASSWORD not in document
    assert document.splitlines()[1].startswith("## ❌ safemigrate: ")
    assert len(re.findall(r"^- `[\w-]+` at line |^- <code>", document, re.MULTILINE)) == 8
    for heading in ("Errors", "Warnings", "Infos", "Not judged", "Locks", "Notes"):
        assert f"\n#### {heading}\n" in document
    assert "<summary>Locks of the downgrade</summary>" in document
    paths = re.findall(r"^### . (.*)$", document, re.MULTILINE)
    assert paths[0] in {"`0002`", f"<code>{SQL_PATH}"} or paths[0].startswith("<code>")


def test_details_end_where_they_begin() -> None:
    document = write(Review(Judgement(RESULT, TIMELINE), prove()))

    tokens = MarkdownIt("commonmark").enable("table").parse(document)
    html = "".join(token.content for token in tokens if token.type == "html_block")
    assert html.count("<details>") == html.count("</details>") > 0


def test_short_code_is_shown_and_long_code_is_folded(
    make_finding: MakeFinding, make_result: MakeResult
) -> None:
    for lines, is_folded in ((12, False), (13, True)):
        remedy = Remedy("do so", sql="\n".join(["SELECT 1;"] * lines))
        result = make_result(make_finding(remedy=remedy))
        document = write(Review(Judgement(result, Timeline(()))))
        assert ("<summary>Help: do so</summary>" in document) is is_folded
        assert document.count("  SELECT 1;\n") == lines


def test_proofs_are_counted_and_what_is_broken_is_told() -> None:
    proof = prove(
        Check(Property.APPLIES, Standing.HOLDS),
        Check(Property.RESTORES_SCHEMA, Standing.BROKEN, "the index stays", ("+ index i",)),
        Check(Property.KEEPS_ROWS, Standing.UNKNOWN, "no rows"),
        Check(Property.TAKES_SAMPLES, Standing.UNASKED, "no samples", help="name a folder"),
    )
    document = write(Review(Judgement(NOBODY, Timeline(()), frozenset()), proof))

    assert document.splitlines()[1] == "## ❌ safemigrate: no findings; proofs: 1 broken, 1 unknown"
    assert "\n1 hold, 1 broken, 1 unknown.\n" in document
    assert "\n- ❌ `restores-schema`: the index stays\n\n  ```text\n  + index i\n" in document
    assert "\n- ❔ `keeps-rows`: no rows\n" in document
    assert "<summary>1 proof not asked for</summary>\n\n- takes-samples (name a fol" in document


def test_a_revision_that_was_not_tried_says_why() -> None:
    skipped = RevisionProof("r2", "r2.py", "", Outcome.SKIPPED, error="r1 failed")
    proof = HistoryProof((skipped,), "embedded", ServerVersion(18))
    document = write(Review(Judgement(NOBODY, Timeline(()), frozenset()), proof))

    assert "### ❌ `r2`" in document
    assert "Not tried: r1 failed" in document


def test_what_is_unknown_is_a_warning() -> None:
    proof = prove(Check(Property.KEEPS_ROWS, Standing.UNKNOWN, "no rows"))
    document = write(Review(Judgement(NOBODY, Timeline(()), frozenset()), proof))

    assert document.splitlines()[1] == "## ⚠️ safemigrate: no findings; proofs: 1 unknown"


def test_nothing_new_is_said() -> None:
    review = Review(Judgement(NOBODY, TIMELINE, frozenset()), head="0123456789abcdef")

    assert review.is_empty
    assert write(review) == (
        "<!-- m -->\n## ✅ safemigrate: no new migration\n\n"
        "No migration is new here, or has other code than before.\n\n"
        "<sub>safemigrate 1.2.3 at commit `0123456789ab`</sub>\n"
    )


def make_many(make_finding: MakeFinding, number: int, each: int = 1) -> Review:
    """Return a review of so many files with findings."""
    remedy = Remedy("do so", sql="SELECT 1;\n" * 20)
    findings = tuple(
        make_finding(
            path=f"{file:04}.sql", severity=Severity.WARNING, message=f"🙂 {at}", remedy=remedy
        )
        for file in range(number)
        for at in range(each)
    )
    result = LintResult(findings, len(findings), len(findings), (), number)
    return Review(Judgement(result, Timeline(())), head="0" * 40)


def test_without_room_the_last_revisions_are_shortened_first(make_finding: MakeFinding) -> None:
    review = make_many(make_finding, 9)
    full = write(review)
    brief = write(review, limit=measure(full) - 1)

    assert "no room" not in full
    assert brief.count("SELECT 1;") < full.count("SELECT 1;")
    assert len(re.findall("^### ", brief, re.MULTILINE)) == 9
    found = re.search(r"\*\*There was no room for all of it\*\*: (\d) revisions? shortened", brief)
    assert found is not None
    first = brief.index("### ⚠️ `0000.sql`")
    assert "SELECT 1;" in brief[first : brief.index("### ⚠️ `0001.sql`")]
    assert brief.rstrip().endswith("<sub>safemigrate 1.2.3 at commit `000000000000`</sub>")


@pytest.mark.parametrize("limit", [5000, 20_000, COMMENT_LIMIT])
def test_with_less_room_the_last_revisions_go_and_are_counted(
    make_finding: MakeFinding, limit: int
) -> None:
    document = write(make_many(make_finding, 2000), limit=limit)

    shown = len(re.findall("^### ", document, re.MULTILINE))
    assert 0 < shown < 2000
    assert f"{2000 - shown} of 2000 revisions left out" in document


def test_one_revision_with_more_than_fits_is_shortened_to_its_verdict(
    make_finding: MakeFinding,
) -> None:
    document = write(make_many(make_finding, 1, each=3000))

    assert "**3000 warnings**" in document
    assert "1 revision shortened" in document


def judge_history(*checks: Check, notices: tuple[str, ...] = ()) -> Review:
    proof = HistoryProof((), "embedded", ServerVersion(18), checks=checks, notices=notices)
    return Review(Judgement(NOBODY, Timeline(()), frozenset()), proof)


def break_history(reason: str, *details: str) -> Check:
    return Check(Property.RESTORES_SCHEMA, Standing.BROKEN, reason, details)


def test_the_history_has_its_evidence_where_there_is_room() -> None:
    document = write(judge_history(break_history("the schema differs", "+ index i")))

    assert (
        "\n### The history as a whole\n\n- ❌ `restores-schema`: the schema differs\n\n"
        "  ```text\n  + index i\n  ```\n"
    ) in document
    assert "no room" not in document


def test_a_history_with_more_than_fits_is_shortened(make_finding: MakeFinding) -> None:
    check = break_history("the schema differs", *["+ column " + "x" * 100] * 600)
    history = judge_history(check, check)
    document = write(replace(history, judgement=make_many(make_finding, 2000).judgement))

    assert "\n### The history as a whole\n\n- ❌ `restores-schema`: the schema diff" in document
    assert "+ column" not in document
    assert "shortened, the history as a whole shortened; " in document
    assert "### ⚠️ `0000.sql`" in document

    long = write(judge_history(break_history("@" * 70_000)))
    assert (
        "\n### The history as a whole\n\n- and 1 more\n\n**There was no room for all of it**"
        in long
    )


# a mark that is put above another letter takes no column of a terminal
@pytest.mark.parametrize("evil", ["@" * 70_000, "\u0301" * 7000], ids=["@", "marks"])
def test_whatever_is_long_is_cut(evil: str) -> None:
    unasked = [
        Check(subject, Standing.UNASKED, "r", help=f"{subject.value} {evil}")
        for subject in Property
    ]
    review = judge_history(*unasked, notices=tuple(f"{at} {evil}" for at in range(30)))
    passages = [
        replace(
            PASSAGE,
            migration=replace(PASSAGE.migration, path=f"{at}.py", revision=f"{at}", message=evil),
        )
        for at in range(60)
    ]
    judgement = Judgement(replace(NOBODY, notices=()), Timeline(tuple(passages)), None)
    document = write(replace(review, judgement=judgement, unproved=evil))

    assert document.splitlines()[1].startswith("## ")
    assert re.search(r"^\| \| and \d+ more \|", document, re.MULTILINE)
    assert re.search(r"^- and \d+ more$", document, re.MULTILINE)
    assert "revisions left out" in document or "shortened" in document
