"""From what a command line asks for to the texts of the new revisions."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from alembic.util import asbool

from safemigrate.cli.drafts.autogenerating import generate, upgraded_database
from safemigrate.cli.drafts.desk import Desk, Proofs
from safemigrate.cli.drafts.draft import Draft, Piece
from safemigrate.cli.drafts.mending import Mender, Wishes
from safemigrate.cli.drafts.remedies import weigh
from safemigrate.cli.drafts.staging import Order, Written, number_ids, stage
from safemigrate.cli.schema import Schema
from safemigrate.config import Config
from safemigrate.errors import ServerError, UsageError
from safemigrate.model import ServerVersion, TransactionControl
from safemigrate.recipes.rendering import alembic_execute, sql_string
from safemigrate.server import Server, open_server
from safemigrate.source import Project, open_project
from safemigrate.sql import read_actions, split_statements

__all__ = ["Ground", "Made", "Source", "make_empty", "make_from_models", "make_from_sql"]

_LITERAL_OF_LINES = re.compile(r"'[^']*\n[^']*'")


@dataclass(frozen=True, slots=True)
class Source:
    """Which database is compared with the models.

    `server`: the kind of throwaway server, None for the first of what is left: `url`, then the one
    that env.py connects to where `is_live`, then an embedded server, and nothing else.
    """

    server: str | None = None
    url: str | None = None
    is_live: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """What is the same for all drafts."""

    config_path: Path
    config: Config
    before: Schema
    version: ServerVersion
    source: Source


@dataclass(frozen=True, slots=True)
class Made:
    """New revisions and their texts, not in the project yet.

    `proofs`: what lint found in them; None where there was nothing to judge.
    `advice`: what was done in place of what was asked for. `notes`: what looks like a mistake.
    """

    project: Project
    written: tuple[Written, ...]
    contents: tuple[bytes, ...]
    proofs: Proofs | None = None
    advice: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def make_empty(ground: Ground, order: Order) -> Made:
    """Return one revision that does nothing yet."""
    project = _open(ground)
    order = _ask_hooks(ground, project, order)
    taken = [one.revision for one in project.revisions()]
    order = replace(order, ids=number_ids(order.ids[0] if order.ids else None, 1, taken))
    with tempfile.TemporaryDirectory(prefix="safemigrate-new-") as name:
        staged = stage(project, [Draft()], order, Path(name).resolve())
        contents = tuple(one.staged.read_bytes() for one in staged.written)
    return Made(project, staged.written, contents)


def make_from_sql(ground: Ground, order: Order, sql: str, *, reason: str | None) -> Made:
    """Return the revisions that do safely what the statements would; raises UsageError."""
    statements = _split(sql)
    project = _open(ground)
    order = _ask_hooks(ground, project, order)
    made = _mend(ground, project, order, _draft(statements), Wishes(reason))
    parts = [part for statement in statements for part in _part(statement)]
    if len(parts) > len(statements) and _has_findings(made):
        # what one subcommand of ALTER TABLE cannot do safely, it may do by itself
        apart = _mend(ground, project, order, _draft(parts), Wishes(reason))
        return min(made, apart, key=_weigh)
    return made


def _draft(statements: Sequence[str]) -> Draft:
    return Draft(tuple(Piece(_execute(statement)) for statement in statements))


def _has_findings(made: Made) -> bool:
    return _weigh(made) > (0, 0)


def _weigh(made: Made) -> tuple[int, int]:
    return (0, 0) if made.proofs is None else weigh(made.proofs.result.findings)


def _part(sql: str) -> Sequence[str]:
    """Return an ALTER TABLE for each of its subcommands; the statement where it is none."""
    actions = read_actions(sql)
    starts = [one.offset for one in actions]
    if len(starts) < 2 or starts != sorted(set(starts)) or not starts[0]:  # noqa: PLR2004 - two parts
        return (sql,)
    head, ends = sql[: starts[0]], [*starts[1:], len(sql)]
    parts = [
        head + sql[start:end].strip().removesuffix(",").rstrip()
        for start, end in zip(starts, ends, strict=True)
    ]
    read = [read_actions(part) for part in parts]
    wanted = [(replace(action, offset=0),) for action in actions]
    is_whole = [tuple(replace(one, offset=0) for one in found) for found in read] == wanted
    return parts if is_whole else (sql,)


def make_from_models(ground: Ground, order: Order, *, reason: str | None) -> Made | None:
    """Return the revisions that make the database what the models say, None where it is."""
    project = _open(ground)
    with _choose_database(ground, project) as url:
        generated = generate(project, order, url=url)
    wishes = Wishes(reason, is_same_end=True, prefers_fixes=True)
    found = [one for one in generated if one.draft.pieces]
    if len(found) > 1:
        raise UsageError(
            "process_revision_directives makes several revisions of one",
            'let "alembic revision --autogenerate" write them, and run safemigrate lint --fix',
        )
    if not found:
        return None
    (one,) = found
    return _mend(ground, project, one.order, one.draft, wishes)


def _open(ground: Ground) -> Project:
    """Return the project; raises for what Alembic would refuse to add a revision to."""
    return open_project(ground.config_path, imports=ground.config.imports)


def _mend(ground: Ground, project: Project, order: Order, draft: Draft, wishes: Wishes) -> Made:
    lenient = open_project(ground.config_path, is_lenient=True, imports=ground.config.imports)
    mender = Mender(Desk(lenient, ground.config, ground.before, ground.version), order, wishes)
    proofs = mender.mend([draft])
    written = tuple(one.written for one in proofs.each)
    advice = tuple(dict.fromkeys(mender.advice))
    return Made(project, written, proofs.contents, proofs, advice, mender.notes)


def _ask_hooks(ground: Ground, project: Project, order: Order) -> Order:
    """Return the order as env.py leaves it, where the project has it run for every revision."""
    if not asbool(project.config.get_alembic_option("revision_environment")):
        return order
    with _choose_database(ground, project, is_upgraded=False) as url:
        generated = generate(project, order, url=url, is_compared=False)
    return generated[0].order if generated else order


@contextmanager
def _choose_database(
    ground: Ground, project: Project, *, is_upgraded: bool = True
) -> Iterator[str | None]:
    """Yield the URL of the database to ask, None for the one that env.py connects to."""
    source = ground.source
    if source.server is None and (source.url is not None or source.is_live):
        yield source.url
        return
    with ExitStack() as stack:
        server = stack.enter_context(_open_server(source.server, is_live_hinted=is_upgraded))
        if not is_upgraded:
            yield server.url(server.create_database())
            return
        yield stack.enter_context(upgraded_database(project, server))


@contextmanager
def _open_server(kind: str | None, *, is_live_hinted: bool) -> Iterator[Server]:
    """Yield the server; where the one by default cannot be had, no other database is taken."""
    ways = "give --server container or --url"
    if is_live_hinted:
        ways = "give --server container, --url, or --live for what env.py connects to"
    with ExitStack() as stack:
        try:
            server = stack.enter_context(open_server(kind or "embedded"))
        except ServerError as error:
            if kind is not None:
                raise
            hint = f"{error.hint}; or {ways}" if error.hint else ways
            raise ServerError(error.message, hint) from error
        yield server


def _split(sql: str) -> Sequence[str]:
    """Return the statements; raises UsageError where there are none, or they end transactions."""
    statements = [one.sql.strip() for one in split_statements(sql)]
    if not statements:
        raise UsageError("--sql has no statement", "write what should be done, such as ALTER TABLE")
    for statement in statements:
        if any(isinstance(one, TransactionControl) for one in read_actions(statement)):
            raise UsageError(
                f'"{statement}" has no place in a revision: its transaction is Alembic\'s',
                "leave it out; what needs a transaction of its own gets a revision of its own",
            )
    return statements


def _execute(sql: str) -> str:
    """Return the call that sends the statement."""
    if _LITERAL_OF_LINES.search(sql):
        # a margin would become a part of the text in it
        return f"op.execute({sql_string(sql)})"
    return alembic_execute(sql)
