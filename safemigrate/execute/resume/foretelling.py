"""Whether a revision that is half done could go on, by what it was recorded to send."""

from collections.abc import Iterator, Sequence

from safemigrate.execute.refusal import CannotResumeError
from safemigrate.execute.resume.fingerprints import Fingerprint, fingerprint_of
from safemigrate.execute.resume.kinds import Kind, kind_of
from safemigrate.execute.resume.replay import Place, Replay
from safemigrate.journal import StatementRow
from safemigrate.model import ExplainedStatement, NoTableAction, Passage
from safemigrate.plan import Foreseen

__all__ = ["foretell_refusal", "is_free"]

# A value is written in another way by some drivers than in the recording.
_BOUND_VALUE = "$1"


def is_free(explained: ExplainedStatement) -> bool:
    """Return whether the statement is sent every time, so that the journal does not have it."""
    foreseen = Foreseen((explained,), explained.facts, (), is_expected=True)
    return kind_of(explained.statement.sql, foreseen) is Kind.FREE


def foretell_refusal(
    passage: Passage, rows: Sequence[StatementRow], digest: str
) -> CannotResumeError | None:
    """Return what a run would end with, None where it would go on or that is not sure.

    `rows`: what is done of the revision, in order. `digest`: of its file as it is now. Only a file
    that has changed is looked into, and only where the recording has all that it sends: no answers
    of a database, no bound values. Bound values are not compared.
    """
    if not rows or all(row.digest == digest for row in rows) or not _is_all(passage, rows):
        return None
    revision = rows[0].revision
    replay = Replay(revision, rows, digest)
    try:
        _replay(replay, passage.statements, rows)
    except CannotResumeError as refusal:
        return refusal
    return None


def _replay(
    replay: Replay, statements: Sequence[ExplainedStatement], rows: Sequence[StatementRow]
) -> None:
    position = 0
    for row in rows:
        position = _skip_free(statements, position, row)
        texts = tuple(_list_texts(statements[position:]))
        if not texts:
            replay.end(Place(row.commits))
            return
        length = _match(texts, row) or 1
        sql = texts[length - 1]
        mark = Fingerprint(
            fingerprint_of(sql, None).words, Fingerprint.read(row.fingerprint).values
        )
        replay.find(mark, sql, Place(row.commits))
        position += length
    number = statements[position - 1].statement.transaction
    for following in statements[position:]:
        if number is None or following.statement.transaction != number:
            return
        if not is_free(following):
            sql = following.statement.sql
            replay.find(fingerprint_of(sql, None), sql, Place(rows[-1].commits))
            return


def _skip_free(statements: Sequence[ExplainedStatement], position: int, row: StatementRow) -> int:
    """Return where the statement stands that the row is compared with."""
    while position < len(statements) and is_free(statements[position]):
        if _match(tuple(_list_texts(statements[position:])), row):
            break
        position += 1
    return position


def _match(texts: Sequence[str], row: StatementRow) -> int:
    """Return how many statements make up the row's text, which may have several; 0 for none."""
    words = Fingerprint.read(row.fingerprint).words
    fitting = (
        number for number, text in enumerate(texts, 1) if fingerprint_of(text, None).words == words
    )
    return next(fitting, 0)


def _list_texts(statements: Sequence[ExplainedStatement], most: int = 20) -> Iterator[str]:
    """Yield the first statement, the first two as one text, and so on."""
    text = ""
    for one in statements[:most]:
        text += f"; {one.statement.sql}" if text else one.statement.sql
        yield text


def _is_all(passage: Passage, rows: Sequence[StatementRow]) -> bool:
    """Return whether the recording is known to have all that the revision sends, word for word."""
    if passage.migration.unjudged or any(_BOUND_VALUE in row.sql for row in rows):
        return False
    return not any(
        one.statement.is_assumed
        or _BOUND_VALUE in one.statement.sql
        or any(
            isinstance(event.action, NoTableAction) and event.action.kind == "SELECT"
            for event in one.events
        )
        for one in passage.statements
    )
