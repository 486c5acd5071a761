"""The reports of `verify`: as text, and in the formats of others."""

from dataclasses import replace
from xml.etree import ElementTree as ET

from safemigrate.model import (
    Check,
    HistoryProof,
    Lock,
    LockMode,
    ObservedStatement,
    Outcome,
    Property,
    QualifiedName,
    RevisionProof,
    RoundTrip,
    ServerVersion,
    Standing,
)
from safemigrate.report import (
    format_proof,
    format_proof_github,
    format_proof_junit,
    format_proof_markdown,
    format_proofs,
    list_properties,
    verify_document,
)

T = QualifiedName("public", "t")
INDEX = QualifiedName("public", "i")

PROVED = RevisionProof(
    "r1",
    "versions/r1.py",
    "Make t.",
    Outcome.OK,
    Outcome.OK,
    restored=True,
    upgrade_again=Outcome.OK,
    statements=(
        ObservedStatement(
            "ALTER TABLE t",
            1,
            1,
            (
                Lock(T, LockMode.SHARE),
                Lock(INDEX, LockMode.ACCESS_EXCLUSIVE),
                Lock(QualifiedName("public", "n"), LockMode.ACCESS_EXCLUSIVE, is_preexisting=False),
            ),
            minor=(INDEX,),
        ),
    ),
    duration_ms=12.4,
    checks=(
        Check(Property.APPLIES, Standing.HOLDS),
        Check(Property.APPLIES_AGAIN, Standing.HOLDS),
        Check(Property.RESTORES_SCHEMA, Standing.HOLDS),
        Check(Property.BLOCKS_BRIEFLY, Standing.HOLDS, "worst wait 3 ms", ("SELECT: p99 1 ms",)),
        Check(
            Property.EXPECTED_PLANS, Standing.UNASKED, "no plans", help="--plans FILE names them"
        ),
    ),
)
LEFT = RevisionProof(
    "r2",
    "versions/r2.py",
    "Leave things",
    Outcome.OK,
    Outcome.OK,
    restored=False,
    upgrade_again=Outcome.FAILED,
    differences=("+ index public.i",),
    notes=("column order of public.t: a, b -> b, a",),
    error="versions/r2.py:9: no (SQLSTATE 42710)",
    duration_ms=1.0,
    checks=(
        Check(Property.APPLIES, Standing.HOLDS),
        Check(
            Property.APPLIES_AGAIN,
            Standing.BROKEN,
            "versions/r2.py:9: no (SQLSTATE 42710)",
            path="versions/r2.py",
        ),
        Check(
            Property.RESTORES_SCHEMA,
            Standing.BROKEN,
            "the downgrade leaves another schema",
            ("+ index public.i",),
            "drop what the upgrade made",
            "versions/r2.py",
            12,
        ),
        Check(Property.KEEPS_ROWS, Standing.ACCEPTED, "1 column is lost; accepted: it is a copy"),
        Check(Property.IS_DETERMINISTIC, Standing.UNKNOWN, "the server is gone"),
    ),
)
UNTRIED = RevisionProof("r3", "versions/r3.py", "", Outcome.SKIPPED, error="not tried, because r2")


WHOLE = (Check(Property.SINGLE_HEAD, Standing.BROKEN, "there are 2 heads: a and b"),)


def history(*proofs: RevisionProof, round_trip: RoundTrip | None = None) -> HistoryProof:
    return HistoryProof(proofs, "embedded", ServerVersion(18), round_trip)


def report(*proofs: RevisionProof, round_trip: RoundTrip | None = None) -> str:
    return format_proofs(history(*proofs, round_trip=round_trip))


def test_the_strongest_lock_is_one_that_somebody_waits_for() -> None:
    line = report(PROVED).splitlines()[1]

    assert line.split() == ["r1", "Make", "t", *"✓✓✓✓", "4", "12", "ms", "SHARE", "on", "public.t"]


def test_what_is_broken_is_named_with_reason_evidence_and_help() -> None:
    blocks = report(PROVED, LEFT, UNTRIED).split("\n\n")

    assert blocks[1:3] == [
        (
            "r2 Leave things   versions/r2.py\n"
            "  ✗ applies-again: versions/r2.py:9: no (SQLSTATE 42710)\n"
            "  ✗ restores-schema: line 12: the downgrade leaves another schema\n"
            "      + index public.i\n"
            "    help: drop what the upgrade made\n"
            "  ! keeps-rows: 1 column is lost; accepted: it is a copy\n"
            "  ? is-deterministic: the server is gone\n"
            "    note: column order of public.t: a, b -> b, a"
        ),
        "r3   versions/r3.py\n    not tried, because r2",
    ]
    assert blocks[-1] == (
        "Not asked: expected-plans (--plans FILE names them).\n"
        "Checks: 5 hold, 2 broken, 1 accepted, 1 unknown.\n"
        "Proved 1 of 3 revisions on PostgreSQL 18 (embedded)."
        " Not proved: 1 failed (r2) and 1 not tried (r3).\n"
    )


def test_a_property_of_the_history_has_no_line_unless_one_is_known() -> None:
    check = replace(WHOLE[0], path="versions/r2.py")
    near = replace(check, line=4)

    text = format_proofs(replace(history(PROVED), checks=(check,)))
    nearer = format_proofs(replace(history(PROVED), checks=(near,)))

    assert "  ✗ single-head: there are 2 heads: a and b\n" in text
    assert "  ✗ single-head: versions/r2.py:4: there are 2 heads: a and b\n" in nearer


def test_the_last_line_where_only_the_history_was_asked_about() -> None:
    one = replace(PROVED, checks=())
    trip = RoundTrip(is_ok=True)

    first = report(one, one, round_trip=trip).splitlines()[-1]
    second = report(one).splitlines()[-1]

    assert first == (
        "Applied 2 revisions on PostgreSQL 18 (embedded); no property of any of them was asked "
        "for. The whole way from head to base and back was proved."
    )
    assert second == (
        "Applied 1 revision on PostgreSQL 18 (embedded); no property of it was asked for."
    )


def test_what_is_not_asked_of_some_revisions_names_them() -> None:
    reading = Check(Property.RENDERS_OFFLINE, Standing.UNASKED, "it reads from the database")
    holds = Check(Property.RENDERS_OFFLINE, Standing.HOLDS)
    several = [
        replace(PROVED, revision=f"r{number}", checks=(holds if number == 2 else reading,))
        for number in range(1, 4)
    ]
    everywhere = [replace(one, checks=(reading,)) for one in several]

    assert "Not asked: renders-offline of r1 and r3 (it reads from the database).\n" in report(
        *several
    )
    assert "Not asked: renders-offline (it reads from the database).\n" in report(*everywhere)


def test_what_holds_is_shown_when_asked_for() -> None:
    assert "SELECT: p99 1 ms" not in report(PROVED)

    text = format_proofs(history(PROVED), is_verbose=True)

    assert "  ✓ blocks-briefly: worst wait 3 ms\n      SELECT: p99 1 ms\n" in text


def test_a_failed_way_back_is_reported_although_every_revision_was_proved() -> None:
    trip = RoundTrip(is_ok=False, differences=("at base: + table public.t",))

    text = report(PROVED, round_trip=trip)

    assert (
        "the history as a whole\n  ✗ the way from head to base and back fails\n"
        "      at base: + table public.t\n"
    ) in text
    assert text.endswith(
        "Proved 1 revision on PostgreSQL 18 (embedded). The way from head to base and back fails.\n"
    )


def test_progress_is_one_line_without_a_full_stop_in_the_middle() -> None:
    assert format_proof(PROVED) == "r1 Make t: proved"
    assert format_proof(UNTRIED) == "r3: not tried"
    assert format_proof(LEFT) == (
        "r2 Leave things: breaks applies-again, restores-schema; accepted keeps-rows;"
        " unknown is-deterministic"
    )


def test_junit_has_a_suite_a_revision_and_a_case_a_property() -> None:
    proof = HistoryProof((PROVED, LEFT, UNTRIED), "embedded", ServerVersion(18), checks=WHOLE)

    root = ET.fromstring(format_proof_junit(proof))  # noqa: S314 - our own

    assert {name: root.attrib[name] for name in ("name", "tests", "failures", "skipped")} == {
        "name": "safemigrate verify",
        "tests": "14",
        "failures": "3",
        "skipped": "3",
    }
    suites = {suite.attrib["name"]: suite for suite in root}
    assert list(suites) == [
        "versions/r1.py (r1)",
        "versions/r2.py (r2)",
        "versions/r3.py (r3)",
        "history",
    ]
    failed = suites["versions/r2.py (r2)"].find("testcase[@name='restores-schema']")
    assert failed is not None
    assert failed.attrib["line"] == "12"
    assert failed.findtext("failure") == (
        "the downgrade leaves another schema\n+ index public.i\ndrop what the upgrade made"
    )
    accepted = suites["versions/r2.py (r2)"].find("testcase[@name='keeps-rows']")
    assert accepted is not None
    assert accepted.findtext("system-out") == "1 column is lost; accepted: it is a copy"


def test_github_gets_an_annotation_for_each_thing_to_look_at() -> None:
    lines = format_proof_github(history(PROVED, LEFT, UNTRIED)).splitlines()

    assert lines[:5] == [
        (
            "::error file=versions/r2.py,line=1,title=r2%3A applies-again::versions/r2.py:9: no"
            " (SQLSTATE 42710)"
        ),
        (
            "::error file=versions/r2.py,line=12,title=r2%3A restores-schema::the downgrade leaves"
            " another schema%0A+ index public.i%0Adrop what the upgrade made"
        ),
        (
            "::notice file=versions/r2.py,line=1,title=r2%3A keeps-rows::1 column is lost;"
            " accepted: it is a copy"
        ),
        "::warning file=versions/r2.py,line=1,title=r2%3A is-deterministic::the server is gone",
        "::warning file=versions/r3.py,line=1,title=not tried::r3: not tried, because r2",
    ]


def test_markdown_puts_what_is_broken_first_and_fits_a_comment() -> None:
    proof = history(PROVED, LEFT)

    text = format_proof_markdown(proof)

    head, *_ = text.split("### ")
    assert head.startswith("<!-- safemigrate verify -->\n## safemigrate: 2 broken\n")
    assert head.index("r2 Leave things") < head.index("r1 Make t")
    assert "SHARE on public.t" in head
    assert "- ❌ `restores-schema`: the downgrade leaves another schema" in text
    assert "  + index public.i\n" in text
    short = format_proof_markdown(proof, limit=700)
    assert len(short) <= 700
    assert "+ index public.i" not in short
    assert "`restores-schema`" in short


def test_json_has_every_check() -> None:
    document = verify_document(history(LEFT))

    check = document.revisions[0].checks[2]
    assert (check.property, check.number, check.standing, check.line) == (
        "restores-schema",
        "H04",
        "broken",
        12,
    )


SLOW = replace(
    PROVED,
    checks=(
        Check(
            Property.BLOCKS_BRIEFLY,
            Standing.HOLDS,
            details=("worst wait 3 ms",),
            path="versions/r1.py",
            line=7,
            warning="INSERT on public.t waits",
        ),
    ),
)


def test_a_warning_of_what_holds_is_shown_by_default() -> None:
    line = "  ! blocks-briefly: line 7: INSERT on public.t waits\n"

    assert f"versions/r1.py\n{line}\nChecks: 1 hold.\n" in report(SLOW)
    assert f"{line}      worst wait 3 ms\n" in format_proofs(history(SLOW), is_verbose=True)


def test_a_warning_of_what_holds_is_in_every_format() -> None:
    proof = history(SLOW)

    assert verify_document(proof).revisions[0].checks[0].warning == "INSERT on public.t waits"
    assert "- ⚠️ `blocks-briefly`: INSERT on public.t waits\n" in format_proof_markdown(proof)
    assert format_proof_github(proof).splitlines()[0] == (
        "::warning file=versions/r1.py,line=7,title=r1%3A blocks-briefly::INSERT on public.t waits"
    )
    root = ET.fromstring(format_proof_junit(proof))  # noqa: S314 - our own
    case = root.find("testsuite/testcase[@name='blocks-briefly']")
    assert case is not None
    assert case.findtext("system-out") == "INSERT on public.t waits\nworst wait 3 ms"


def test_every_property_is_listed_with_its_number() -> None:
    lines = list_properties().splitlines()

    assert len(lines) == len(Property)
    assert [line.split()[0] for line in lines[:-1]] == [f"H{n:02}" for n in range(1, 31)]
