from collections.abc import Callable

from safemigrate.model import (
    Confidence,
    Direction,
    Finding,
    History,
    LintResult,
    Lock,
    LockMode,
    Migration,
    QualifiedName,
    Remedy,
    Severity,
    Span,
    Timeline,
    Unjudged,
)
from safemigrate.report import Tone, format_findings

MakeFinding = Callable[..., Finding]
MakeTimeline = Callable[[History], Timeline]
MakeResult = Callable[..., LintResult]

ONE_FINDING = """\
error[non-concurrent-index]: building "recipe_name_idx" blocks writes to public.recipe
  --> migrations/versions/4f1c_name_index.py:10:5   upgrade(), statement 2 of 2
   |
10 |     op.create_index("recipe_name_idx", "recipe", ["name"])
   |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   = sql: CREATE INDEX recipe_name_idx ON recipe (name)
   = locks: SHARE on public.recipe
   = blocks: INSERT, UPDATE, DELETE, MERGE
   = why: it takes SHARE until the build ends
help: build it concurrently, outside the transaction
   |     with op.get_context().autocommit_block():
   |         op.create_index("recipe_name_idx", "recipe", ["name"],
   |                         postgresql_concurrently=True)
   = more: safemigrate rule non-concurrent-index

Found 1 error in 1 migration. Judged 2 of 2 statements.
"""


def test_a_finding_of_a_revision_is_shown_whole(
    timeline: Timeline, make_finding: MakeFinding, make_result: MakeResult
) -> None:
    assert format_findings(make_result(make_finding()), timeline) == ONE_FINDING


def test_a_finding_of_a_sql_file_repeats_no_sql_and_helps_in_sql(
    make_timeline: MakeTimeline, make_finding: MakeFinding, make_result: MakeResult
) -> None:
    text = "CREATE INDEX recipe_name_idx ON recipe (name);\n"
    timeline = make_timeline(History((Migration(path="001.sql", text=text),)))
    finding = make_finding(path="001.sql", span=Span(1, 1, 1, 46), revision=None, ordinal=1)
    assert format_findings(make_result(finding, statements=1, judged=1), timeline) == (
        """\
error[non-concurrent-index]: building "recipe_name_idx" blocks writes to public.recipe
 --> 001.sql:1:1   statement 1
  |
1 | CREATE INDEX recipe_name_idx ON recipe (name);
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = locks: SHARE on public.recipe
  = blocks: INSERT, UPDATE, DELETE, MERGE
  = why: it takes SHARE until the build ends
help: build it concurrently, outside the transaction
  |     CREATE INDEX CONCURRENTLY recipe_name_idx ON recipe (name);
  = more: safemigrate rule non-concurrent-index

Found 1 error in 1 migration. Judged 1 of 1 statement.
"""
    )


def test_a_finding_about_the_file_has_no_statement(
    timeline: Timeline, make_finding: MakeFinding, make_result: MakeResult
) -> None:
    finding = make_finding(
        rule="missing-downgrade",
        direction=Direction.DOWNGRADE,
        message="no way back",
        why="",
        span=Span(1, 1, 1, 1),
        sql="",
        ordinal=None,
        locks=(),
        blocks=(),
        remedy=None,
    )
    report = format_findings(make_result(finding), timeline)
    assert report.startswith(
        """\
error[missing-downgrade]: no way back
 --> migrations/versions/4f1c_name_index.py:1:1   downgrade()
  |
1 | \"\"\"Name index.\"\"\"
  | ^
  = more: safemigrate rule missing-downgrade

"""
    )


def test_a_confidence_below_high_is_shown(
    timeline: Timeline, make_finding: MakeFinding, make_result: MakeResult
) -> None:
    report = format_findings(make_result(make_finding(confidence=Confidence.MEDIUM)), timeline)
    assert report.startswith("error[non-concurrent-index] (medium confidence): building")


def test_the_remedy_falls_back_to_the_language_it_has(
    timeline: Timeline, make_finding: MakeFinding, make_result: MakeResult
) -> None:
    from_make = make_finding()
    assert from_make.remedy is not None
    only_sql = type(from_make.remedy)(advice="do so", sql="SELECT 1;")
    report = format_findings(make_result(make_finding(remedy=only_sql)), timeline)
    assert "help: do so\n   |     SELECT 1;\n" in report


def test_locks_of_one_mode_stand_together(
    timeline: Timeline, make_finding: MakeFinding, make_result: MakeResult
) -> None:
    locks = tuple(
        Lock(QualifiedName("public", name), mode)
        for name, mode in (
            ("a", LockMode.SHARE_ROW_EXCLUSIVE),
            ("b", LockMode.SHARE_ROW_EXCLUSIVE),
            ("c", LockMode.ACCESS_SHARE),
        )
    )
    report = format_findings(make_result(make_finding(locks=locks)), timeline)
    assert "= locks: SHARE ROW EXCLUSIVE on public.a and public.b; ACCESS SHARE on public.c" in (
        report
    )


def test_findings_stand_by_path_and_line(
    timeline: Timeline, make_finding: MakeFinding, make_result: MakeResult
) -> None:
    report = format_findings(
        make_result(
            make_finding(path="b.py", span=Span(2, 1, 2, 2)),
            make_finding(path="b.py", span=Span(1, 1, 1, 2)),
            make_finding(path="a.py", span=Span(9, 1, 9, 2)),
        ),
        timeline,
    )
    places = [line.split()[1] for line in report.splitlines() if "-->" in line]
    assert places == ["a.py:9:1", "b.py:1:1", "b.py:2:1"]


def test_a_long_why_is_wrapped_and_long_sql_is_cut(
    timeline: Timeline, make_finding: MakeFinding, make_result: MakeResult
) -> None:
    report = format_findings(
        make_result(make_finding(why="because " * 30, sql="SELECT " + "a, " * 90)), timeline
    )
    lines = report.splitlines()
    assert max(map(len, lines)) <= 100
    assert next(line for line in lines if line.startswith("   = sql: ")).endswith("…")
    why = next(position for position, line in enumerate(lines) if "= why:" in line)
    assert lines[why + 1].startswith(" " * len("   = why: ") + "because")


def test_no_finding_is_one_line(timeline: Timeline, make_result: MakeResult) -> None:
    report = format_findings(make_result(migrations=16, statements=120, judged=120), timeline)
    assert report == "No findings in 16 migrations. Judged 120 of 120 statements.\n"


def test_the_last_line_counts_every_severity_and_what_was_suppressed(
    timeline: Timeline, make_finding: MakeFinding, make_result: MakeResult
) -> None:
    result = make_result(
        make_finding(),
        make_finding(),
        make_finding(severity=Severity.WARNING),
        make_finding(severity=Severity.INFO),
        migrations=3,
        suppressed=4,
    )
    assert format_findings(result, timeline).splitlines()[-1] == (
        "Found 2 errors, 1 warning and 1 info in 3 migrations (4 suppressed). "
        "Judged 2 of 2 statements."
    )


def test_what_was_not_judged_is_listed_and_counted(
    timeline: Timeline, make_result: MakeResult
) -> None:
    result = make_result(
        statements=18,
        judged=17,
        unjudged=(Unjudged("a.py", 7, "a", "a DO block"),),
        notices=('module "app" is not installed here',),
    )
    assert format_findings(result, timeline) == (
        """\
note: module "app" is not installed here

not judged: a.py:7: a DO block

No findings in 1 migration. Judged 17 of 18 statements: 1 not judged.
"""
    )


def test_a_revision_that_could_not_be_recorded_is_counted_by_itself(
    timeline: Timeline, make_result: MakeResult
) -> None:
    result = make_result(
        statements=18, judged=18, unjudged=(Unjudged("a.py", 7, "a", "it raised KeyError"),)
    )
    assert format_findings(result, timeline).splitlines()[-1] == (
        "No findings in 1 migration. Judged 18 of 18 statements: "
        "1 place where statements may be missing."
    )


def test_paint_is_told_what_each_piece_is(
    timeline: Timeline, make_finding: MakeFinding, make_result: MakeResult
) -> None:
    seen: set[tuple[str, Tone]] = set()

    def paint(text: str, tone: Tone) -> str:
        seen.add((text, tone))
        return text

    assert format_findings(make_result(make_finding()), timeline, paint) == ONE_FINDING
    assert {
        ("error[non-concurrent-index]", Tone.ERROR),
        ("-->", Tone.FRAME),
        ("help", Tone.HELP),
        ("1 error", Tone.ERROR),
    } <= seen


def test_a_file_cannot_steer_the_terminal_by_its_name_or_what_is_in_it(
    timeline: Timeline, make_finding: MakeFinding, make_result: MakeResult
) -> None:
    odd = "\x1b[31m\n\u202e"
    finding = make_finding(
        message=odd,
        why=odd,
        path=f"{odd}.sql",
        sql=odd,
        locks=(Lock(QualifiedName("public", odd), LockMode.SHARE),),
        remedy=Remedy(advice=odd, sql=odd, alembic=odd),
    )
    result = make_result(finding, unjudged=(Unjudged(f"{odd}.sql", 1, None, odd),), notices=(odd,))
    report = format_findings(result, timeline)
    assert report.count("�[31m") >= 9
    assert {character for character in report if not character.isprintable()} == {"\n"}


def test_the_last_line_counts_what_the_baseline_has(
    timeline: Timeline, make_result: MakeResult
) -> None:
    report = format_findings(make_result(suppressed=1, baselined=3), timeline)
    assert "(1 suppressed, 3 in the baseline)" in report.splitlines()[-1]
