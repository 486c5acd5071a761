"""The ledger's history traced whole: what facts predict of every statement is what happens."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from safemigrate.config import VerifyChoices
from safemigrate.facts import walk
from safemigrate.facts.situation import join_facts
from safemigrate.model import (
    Catalog,
    Direction,
    ExplainedStatement,
    Facts,
    ObservedStatement,
    ServerVersion,
)
from safemigrate.source import open_project, record
from safemigrate.source.dbapi import split_sent
from safemigrate.trace import compare
from safemigrate.verify import verify_history
from tests.postgres.versions import ProofServers, count, proof_versions

# The ledger has no rows here, and so no row to look for at the far end of a foreign key.
UNREAD = re.compile(r"scan of .*: predicted, not observed")

# The driver says of which type a parameter is.
CAST = re.compile(r"(\$\d+)::\w+")

Passages = Mapping[tuple[str, Direction], list[ExplainedStatement]]

PROJECT = open_project(Path(__file__).parents[2] / "alembic.ini")
REVISIONS = [script.revision for script in PROJECT.revisions()]


@cache
def explain(major: int) -> Passages:
    """Return what is predicted of each revision and direction, in the order of the statements."""
    timeline = walk(record(PROJECT), before=Catalog(), version=ServerVersion(major))
    return {
        (passage.migration.revision or "", passage.direction): list(passage.statements)
        for passage in timeline.passages
    }


@pytest.fixture(scope="module", params=proof_versions())
def traced(
    request: pytest.FixtureRequest, proof_servers: ProofServers
) -> tuple[int, dict[str, tuple[ObservedStatement, ...]]]:
    """A major, and what its server did for each revision, up and down."""
    major = int(request.param)
    choices = VerifyChoices(selected=("schema", "foreseen-locks"))
    proof = verify_history(PROJECT, proof_servers[major], choices=choices)
    assert [one.checks for one in proof.revisions if not one.is_proved] == []
    return major, {one.revision: one.statements for one in proof.revisions}


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("revision", REVISIONS)
def test_a_revision_does_what_facts_predict(
    revision: str,
    direction: Direction,
    traced: tuple[int, dict[str, tuple[ObservedStatement, ...]]],
) -> None:
    major, statements = traced
    predicted = explain(major).get((revision, direction), [])
    observed = [one for one in statements[revision] if one.direction is direction]

    pairs = list(join_what_was_sent_at_once(predicted, observed))

    count(major, "statements of migrations/ compared", len(pairs))
    differences = [
        f"PostgreSQL {major}, {revision} {direction.value}: {seen.sql}: {line}"
        for facts, seen in pairs
        for line in compare(facts, seen)
        if not UNREAD.match(line)
    ]
    assert differences == []


def join_what_was_sent_at_once(
    predicted: list[ExplainedStatement], observed: list[ObservedStatement]
) -> Iterator[tuple[Facts, ObservedStatement]]:
    """Yield each thing sent with what is predicted of all the statements in it."""
    waiting = iter(predicted)
    for seen in observed:
        parts = list(islice(waiting, len(split_sent(seen.sql))))
        sent = [CAST.sub(r"\1", statement) for statement in split_sent(seen.sql)]
        assert [item.statement.sql for item in parts] == sent
        yield join_facts(item.facts for item in parts), seen
    assert list(waiting) == []
