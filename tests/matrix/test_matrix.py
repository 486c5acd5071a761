"""The matrix of forms: on each major, what facts predict is what the server is seen to do.

$SAFEMIGRATE_PROOF_VERSIONS lists the majors to prove on, such as "14 15 18"; without it, that of
the installed server.
"""

import pytest

from tests.matrix.combining import combined_forms
from tests.matrix.forms import Form
from tests.matrix.kinds import Kind
from tests.matrix.observing import Workshop
from tests.matrix.space import every_form
from tests.postgres.versions import count, proof_versions

LEAST = 400

each_major = pytest.mark.parametrize("major", proof_versions())


@each_major
@pytest.mark.parametrize("form", every_form(), ids=str)
def test_what_is_predicted_is_observed(major: int, form: Form, workshop: Workshop) -> None:
    comparison = workshop.compare(form, major)
    if comparison.is_accepted:
        count(major, "forms of the matrix taken")
    else:
        count(major, f"forms refused {comparison.refusal.value}")
    count(major, "statements of the matrix compared", comparison.statements)
    if comparison.differences:
        shown = "\n".join(comparison.differences)
        pytest.fail(f"PostgreSQL {major}, {form}\n{shown}", pytrace=False)


@each_major
def test_a_server_takes_hundreds_of_forms(major: int, workshop: Workshop) -> None:
    taken = [form for form in every_form() if workshop.compare(form, major).is_accepted]
    assert len(taken) >= LEAST
    assert {form.kind for form in taken} == set(Kind)


def test_every_run_draws_the_same_forms() -> None:
    assert combined_forms() == combined_forms()
