"""Whether the SQL that Alembic renders offline does what an online run does.

End states are compared, not texts: the SQL is applied to a copy of the state before, statement by
statement as psql does, and must lead to the schema and the rows that the revision led to.
A project whose env.py never asks `context.is_offline_mode()` has no such mode, and is not blamed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from psycopg import sql
from sqlalchemy import NullPool, create_engine, make_url
from sqlalchemy.exc import DBAPIError

from safemigrate.model import Check, Direction, Property, find_properties
from safemigrate.model.secrets import quote_sql
from safemigrate.sql import split_statements
from safemigrate.trace import describe_fault
from safemigrate.verify.bench import Bench
from safemigrate.verify.cuts import Goal, look
from safemigrate.verify.rendering import Rendering, render_upgrade
from safemigrate.verify.selection import list_parents
from safemigrate.verify.stage import Experiment, Stage, State

__all__ = ["RENDERS_OFFLINE"]

_PROVED = Property.RENDERS_OFFLINE
_SHOWN_WIDTH = 120
_TRANSACTION = frozenset({"BEGIN", "COMMIT"})


def _prove(stage: Stage) -> Iterator[Check]:
    with stage.database(State.BEFORE) as bench:
        parents = list_parents(stage.script)
        rendering = render_upgrade(stage.project, stage.script, parents, bench.url)
        if not rendering.has_mode or not rendering.has_run:
            yield _explain_absence(stage, rendering)
            return
        bench.run(())
        heads = _read_heads(bench)
        if heads != parents:
            rendering = render_upgrade(stage.project, stage.script, heads, bench.url)
        if rendering.error:
            yield _judge_failure(stage, rendering)
            return
        yield _compare(stage, bench, rendering.text, is_first=not heads)


RENDERS_OFFLINE = Experiment((_PROVED,), _prove)


def _read_heads(bench: Bench) -> tuple[str, ...]:
    query = sql.SQL("SELECT version_num FROM {} ORDER BY 1")
    rows = bench.connection.execute(query.format(bench.version_table.identifier()))
    return tuple(str(row[0]) for row in rows)


def _explain_absence(stage: Stage, rendering: Rendering) -> Check:
    if not rendering.has_mode:
        reason = "env.py has no offline mode: it never asks context.is_offline_mode()"
    else:
        reason = rendering.error or "it runs no migrations"
        reason = f"env.py comes to no migrations offline: {reason}"
    return stage.unasked(
        _PROVED,
        reason,
        advice="let env.py configure the migrations with url= and literal_binds=True where "
        "context.is_offline_mode() is true, as Alembic's own template does",
    )


def _judge_failure(stage: Stage, rendering: Rendering) -> Check:
    """Return how it stands where there is no SQL: that is wrong where the project wants some."""
    place = "" if rendering.origin is None else f"{rendering.origin}: "
    if not any(_PROVED in find_properties(word) for word in stage.choices.selected):
        check = stage.unasked(
            _PROVED,
            "it reads from the database, so that it cannot be rendered; select"
            f" {_PROVED.value} if the project renders SQL",
        )
        return replace(check, details=(f"{place}{rendering.error}",))
    return stage.broken(
        _PROVED,
        f"it cannot be rendered as SQL: {place}{rendering.error}",
        advice="what asks the database for something cannot be rendered: say it in SQL, or look "
        "at context.is_offline_mode() first",
        line=1 if rendering.origin is None else rendering.origin.line,
    )


def _compare(stage: Stage, bench: Bench, text: str, *, is_first: bool) -> Check:
    if is_first:
        # the SQL makes it
        drop = sql.SQL("DROP TABLE IF EXISTS {}").format(bench.version_table.identifier())
        bench.connection.execute(drop)
    rendered = [one.sql for one in split_statements(text)]
    failure = _send(bench, rendered)
    if failure is not None:
        statement, error = failure
        return stage.broken(
            _PROVED,
            f"the SQL that is rendered fails: {describe_fault(error)}",
            [f"in: {quote_sql(statement, _SHOWN_WIDTH)}"],
            advice="render it with literal_binds=True, and look at what alembic upgrade --sql "
            "writes",
        )
    found = look(bench, stage.revision)
    missed = Goal(stage).compare(found)
    if not missed and found.is_stamped:
        return stage.holds(_PROVED)
    if not missed:
        missed = ("the version table does not have the revision",)
    return stage.broken(
        _PROVED,
        f"the SQL that is rendered leads elsewhere than an online run: {missed[0]}",
        [*missed, *_find_first_difference(stage, rendered)],
        advice="let the revision do the same whether context.is_offline_mode() is true or not",
    )


def _send(bench: Bench, statements: Iterable[str]) -> tuple[str, DBAPIError] | None:
    """Send each statement as it is; return the first that fails, with its error.

    An engine of SQLAlchemy sends them, so that its events are heard as in an online run: roles are
    kept apart for each database by them.
    """
    url = make_url(bench.url).set(drivername="postgresql+psycopg")
    engine = create_engine(
        url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        # a percent sign is one, and not the start of a parameter
        execution_options={"no_parameters": True},
    )
    with engine.connect() as connection:
        for statement in statements:
            try:
                connection.exec_driver_sql(statement)
            except DBAPIError as error:
                return statement, error
    return None


def _find_first_difference(stage: Stage, rendered: Sequence[str]) -> Iterator[str]:
    """Yield the first statement that is only in one of them, where the online run was observed."""
    online = [one.sql for one in stage.statements if one.direction is Direction.UPGRADE]
    offline = [one for one in rendered if one.strip().upper() not in _TRANSACTION]
    for sent, written in zip(online, offline, strict=False):
        if " ".join(sent.split()) != " ".join(written.split()):
            yield f"first difference, online: {quote_sql(sent, _SHOWN_WIDTH)}"
            yield f"first difference, offline: {quote_sql(written, _SHOWN_WIDTH)}"
            return
