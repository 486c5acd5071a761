"""What a server says at this moment: how fast it reads, who holds what, what was done before."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from safemigrate.catalog import Ask
from safemigrate.catalog.figures import RelationFigures, compose_sample, read_sample
from safemigrate.execute import (
    Fingerprint,
    Inquiry,
    Want,
    describe_blocker,
    fingerprint_of,
    look_at,
)
from safemigrate.execute.resume.foretelling import foretell_refusal, is_free
from safemigrate.execute.resume.progress import digest_file
from safemigrate.journal import StatementRow, StatementState, read_progress
from safemigrate.model import LockMode, Passage, QualifiedName
from safemigrate.plan import Holder, Obstacle
from safemigrate.source import Project, find_sqlstate

__all__ = ["Earlier", "find_holders", "look_at_earlier", "measure_reading"]

# What is asked of a server beside the run must not be felt there.
_BOUNDS = (
    "SELECT set_config(name, value, true) FROM (VALUES ('statement_timeout', '50ms'),"
    " ('lock_timeout', '20ms'), ('jit', 'off'), ('max_parallel_workers_per_gather', '0'))"
    " AS setting (name, value)"
)
_MOST_SAMPLES = 8


def measure_reading(
    inquiry: Inquiry,
    figures: Mapping[QualifiedName, RelationFigures],
    wanted: Iterable[QualifiedName],
) -> dict[QualifiedName, float]:
    """Return the seconds to count the rows of the largest of the relations, from a few pages each.

    Where that cannot be tried, for want of a right or within 50 ms, there is no answer.
    """
    known = (figures[name] for name in wanted if name in figures)
    readable = (one for one in known if one.has_rows and one.heap_bytes and not one.is_estimated)
    measured = {}
    for one in sorted(readable, key=_size, reverse=True)[:_MOST_SAMPLES]:
        seconds = _sample(inquiry, one)
        if seconds is not None:
            measured[one.relation] = seconds
    return measured


def _size(figures: RelationFigures) -> int:
    return figures.heap_bytes


def _sample(inquiry: Inquiry, figures: RelationFigures) -> float | None:
    def read(ask: Ask) -> float | None:
        ask("BEGIN READ ONLY")
        try:
            ask(_BOUNDS)
            return read_sample(figures, ask(compose_sample(figures)))
        finally:
            ask("ROLLBACK")

    try:
        return inquiry.reading(read)
    except Exception as err:
        if not find_sqlstate(err):
            raise
        return None


def find_holders(inquiry: Inquiry, relations: Collection[QualifiedName]) -> tuple[Holder, ...]:
    """Return who holds a lock on one of the relations, whichever, or waits for one."""
    wants = [Want(one, LockMode.ACCESS_EXCLUSIVE, is_lockable=False) for one in relations]

    def look(connection: Connection) -> tuple[Holder, ...]:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        return tuple(
            Holder(
                one.relation,
                one.mode,
                one.holder.pid,
                None if one.holder.age is None else one.holder.age.total_seconds(),
                describe_blocker(one.holder),
                gives_way=one.is_vacuum and not one.is_untouchable,
            )
            for one in look_at(connection, wants, int(pid))
        )

    # the login role sees best what other sessions do
    return inquiry.site.control.run(look) if wants else ()


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier runs have done of the revisions.

    `done`: how many of the first statements. `obstacles`: why a revision cannot go on.
    """

    done: Mapping[str, int]
    obstacles: Mapping[str, Obstacle]


def look_at_earlier(project: Project, inquiry: Inquiry, passages: Mapping[str, Passage]) -> Earlier:
    """Return what of each revision is done, and whether it could go on behind that."""
    done, obstacles = {}, {}
    for (revision, direction), rows in inquiry.run(read_progress).items():
        if direction is not inquiry.direction or revision not in passages:
            continue
        passage = passages[revision]
        done[revision] = _count_done(passage, rows)
        path = str(project.script.get_revision(revision).path)
        if (refusal := foretell_refusal(passage, rows, digest_file(path))) is not None:
            obstacles[revision] = Obstacle(str(refusal), refusal.hint)
    return Earlier(done, obstacles)


def _count_done(passage: Passage, rows: Iterable[StatementRow]) -> int:
    left = Counter(
        Fingerprint.read(row.fingerprint).words for row in rows if row.state is StatementState.DONE
    )
    number = 0
    for position, explained in enumerate(passage.statements, 1):
        words = fingerprint_of(explained.statement.sql, None).words
        if left[words]:
            left[words] -= 1
            number = position
        elif not is_free(explained):
            break
    return number
