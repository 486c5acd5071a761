"""The words of the plan."""

from collections.abc import Callable

import pytest

from safemigrate.catalog.figures import Replica
from safemigrate.gate import Decision, Objection, ObjectionKind, Overrides, decide
from safemigrate.model import Direction, LockMode, Passage, QualifiedName, ServerVersion
from safemigrate.plan import Estimate, Figures, Holder, RevisionPlan, make_plan
from safemigrate.report import leave_plain
from safemigrate.report.plans import PlanReport, format_plan, show_estimate
from safemigrate.report.sizes import show_rows, show_seconds, show_size

Pass = Callable[..., list[Passage]]


def lines_of(
    revisions: tuple[RevisionPlan, ...],
    decision: Decision | None = None,
    replicas: tuple[Replica, ...] = (),
) -> list[str]:
    report = PlanReport(
        "kitchen",
        ServerVersion(17),
        Direction.UPGRADE,
        ("a", "b"),
        revisions,
        decision or Decision(),
        replicas,
    )
    return format_plan(report, leave_plain).splitlines()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "a moment"),
        (0.049, "a moment"),
        (0.26, "300 ms"),
        (0.97, "1 s"),
        (3.4, "3 s"),
        (42, "40 s"),
        (200, "3 min"),
        (3599, "60 min"),
        (9000, "2 h"),
    ],
)
def test_a_time_has_one_digit(seconds: float, text: str) -> None:
    assert show_seconds(seconds) == text


def test_an_estimate_says_how_far_it_goes() -> None:
    assert show_estimate(Estimate(3.1)) == "about 3 s"
    assert show_estimate(Estimate(3.1, is_most=True)) == "up to 3 s"
    assert show_estimate(Estimate(3.1, is_most=True, is_least=True)) == "at least 3 s"
    assert show_estimate(Estimate(0.001, is_most=True)) == "a moment"
    assert show_estimate(Estimate(0.001, is_least=True)) == "at least a moment"


def test_sizes_and_rows_are_short() -> None:
    assert [show_size(size) for size in (0, 1000, 1536, 3 * 1024**3, 5 * 1024**5)] == [
        "0 B",
        "1000 B",
        "1.5 KiB",
        "3 GiB",
        "5120 TiB",
    ]
    assert [show_rows(rows) for rows in (0, 1, 12, 1234, 9_876_543)] == [
        "about 0 rows",
        "about 1 row",
        "about 12 rows",
        "about 1,200 rows",
        "about 9,900,000 rows",
    ]


def test_a_table_of_many_partitions_stays_short(walked: Pass) -> None:
    parts = "".join(
        f"CREATE TABLE p{number} PARTITION OF p FOR VALUES IN ({number});" for number in range(20)
    )
    schema = f"CREATE TABLE p (id int) PARTITION BY LIST (id); {parts}"
    lines = lines_of(make_plan(walked(schema, ("ALTER TABLE p ADD n int",)), Figures()))
    assert "      and 15 relations more" in lines
    (arrow,) = (line for line in lines if line.startswith("      →"))
    assert "public.p5" not in arrow
    assert " and 15 more; " in arrow


def test_only_the_first_of_many_holders_are_named(walked: Pass) -> None:
    passages = walked("CREATE TABLE t (id int)", ("ALTER TABLE t ADD n int",))
    table = QualifiedName("public", "t")
    holders = [Holder(table, LockMode.ACCESS_SHARE, pid, None, f"pid {pid}") for pid in range(5)]
    lines = lines_of(make_plan(passages, Figures(), holders=holders))
    assert "        held now with ACCESS SHARE by pid 0" in lines
    assert not any("pid 3" in line for line in lines)
    assert "        and by 2 more" in lines
    assert lines[-1].endswith("; 5 sessions in the way now")


def test_an_autovacuum_is_no_reason_to_wait(walked: Pass) -> None:
    passages = walked("CREATE TABLE t (id int)", ("ALTER TABLE t ADD n int",))
    table, mode = QualifiedName("public", "t"), LockMode.SHARE_UPDATE_EXCLUSIVE
    vacuum = Holder(table, mode, 1, None, "pid 1 (autovacuum)", gives_way=True)
    reader = Holder(table, LockMode.ACCESS_SHARE, 2, None, "pid 2")
    lines = lines_of(make_plan(passages, Figures(), holders=[vacuum]))
    held = "        held now with SHARE UPDATE EXCLUSIVE by pid 1 (autovacuum)"
    assert f"{held}, which PostgreSQL ends for it" in lines
    assert any(one.startswith("      → has PostgreSQL end the autovacuum, then") for one in lines)
    lines = lines_of(make_plan(passages, Figures(), holders=[vacuum, reader]))
    assert any(one.startswith("      → waits beside the queue until") for one in lines)


def test_what_is_not_understood_is_said(walked: Pass) -> None:
    lines = lines_of(make_plan(walked("", ("ALTER TABEL t",)), Figures()))
    assert any(line.startswith("      not understood: ") for line in lines)


def test_passwords_are_not_shown(walked: Pass) -> None:
    sent = "ALTER ROLE cook PASSWORD 'parsley'"
    assert "parsley" not in "\n".join(lines_of(make_plan(walked("", (sent,)), Figures())))


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (("ALTER TABLE t ADD a int", "ALTER TABLE t ADD b int"), ""),
        (("ALTER TABLE t ADD a int", "!VACUUM t"), "goes on after the last statement that is done"),
        (
            ("ALTER TABLE t ADD a int", "SELECT id FROM t", "!VACUUM t"),
            "reads data, so it goes on after its last commit",
        ),
    ],
)
def test_where_a_revision_goes_on_is_said(
    walked: Pass, statements: tuple[str, ...], words: str
) -> None:
    passages = walked("CREATE TABLE t (id int)", statements)
    lines = lines_of(make_plan(passages, Figures()))
    said = [line for line in lines if line.startswith("    when it is cut off: ")]
    assert said == ([f"    when it is cut off: {words}"] if words else [])


def test_replicas_are_listed_with_what_is_known_of_them(walked: Pass) -> None:
    replicas = (
        Replica("a", 1.26, 5),
        Replica("b", None, 2048),
        Replica("c", None, None),
        Replica("d", None, None, is_visible=False),
    )
    lines = lines_of(make_plan(walked("", ("SELECT 1",)), Figures()), replicas=replicas)
    assert [line for line in lines if line.startswith("replica ")] == [
        "replica a: 1.26 s behind",
        "replica b: 2 KiB behind",
        "replica c: how far it is behind is not known",
        "replica d: how far it is behind the role may not see",
    ]


def test_the_decision_names_kinds_advice_and_notices(walked: Pass) -> None:
    disk = Objection(ObjectionKind.DISK, "no room", "make room")
    heads = Objection(ObjectionKind.HEADS, "two heads", "merge them")
    overrides = Overrides(allowed={ObjectionKind.HEADS: "on purpose"})
    decision = decide([disk, heads], overrides, ["that is not known"])
    lines = lines_of(make_plan(walked("", ("SELECT 1",)), Figures()), decision)
    start = lines.index("gate: refuses")
    assert lines[start : start + 6] == [
        "gate: refuses",
        "  disk: no room",
        "    make room",
        '    to override: --allow disk="the reason"',
        "  heads: two heads; overridden: on purpose",
        "  note: that is not known",
    ]


def test_nothing_to_do_is_said() -> None:
    assert lines_of(()) == ["kitchen (PostgreSQL 17) is at a, b", "", "nothing to do"]
