"""What objections come to, with and without reasons to override them."""

import pytest

from safemigrate.gate import Objection, ObjectionKind, Overrides, decide, explain_refusal

FINDINGS = Objection(ObjectionKind.FINDINGS, "1 error finding in 1 pending revision", "rewrite it")
DISK = Objection(ObjectionKind.DISK, "no room", "make room")


def test_nothing_speaks_against_it() -> None:
    decision = decide([], Overrides("it is empty"), ["that is good to know"])
    assert decision.is_allowed
    assert decision.override == ""
    assert decision.notices == ("that is good to know",)


def test_an_objection_refuses() -> None:
    decision = decide([FINDINGS], Overrides())
    assert not decision.is_allowed
    assert decision.refused == (FINDINGS,)


def test_a_reason_overrides_everything() -> None:
    decision = decide([FINDINGS, DISK], Overrides("it is empty"))
    assert decision.is_allowed
    assert decision.overridden == ((FINDINGS, "it is empty"), (DISK, "it is empty"))
    assert decision.override == "findings, disk: it is empty"


def test_a_reason_for_one_kind_overrides_that_kind_alone() -> None:
    overrides = Overrides(allowed={ObjectionKind.DISK: "a new volume is there"})
    decision = decide([FINDINGS, DISK], overrides)
    assert decision.refused == (FINDINGS,)
    assert decision.overridden == ((DISK, "a new volume is there"),)


def test_the_reason_for_a_kind_goes_before_the_one_for_all() -> None:
    overrides = Overrides("late at night", {ObjectionKind.DISK: "a new volume is there"})
    decision = decide([FINDINGS, DISK], overrides)
    assert decision.override == "findings: late at night; disk: a new volume is there"


def test_overridden_findings_alone_are_kept_as_their_reason() -> None:
    assert decide([FINDINGS], Overrides("it is empty")).override == "it is empty"


@pytest.mark.parametrize("kind", ObjectionKind)
def test_a_refusal_names_the_option_that_overrides_it(kind: ObjectionKind) -> None:
    error = explain_refusal(decide([Objection(kind, "so it is", "do better")], Overrides()))
    assert error.message == "so it is, nothing was changed"
    assert error.hint.startswith("do better; or ")
    assert f'--allow {kind.value}="the reason"' in error.hint
    assert '--override "the reason"' in error.hint


def test_a_refusal_tells_of_all_there_is() -> None:
    error = explain_refusal(decide([FINDINGS, DISK], Overrides()))
    assert error.message == ("1 error finding in 1 pending revision; no room, nothing was changed")
    for part in ("rewrite it", "make room", "--allow findings=", "--allow disk="):
        assert part in error.hint
