"""A server made ready for a history: its roles, what it starts from, what is kept away from it."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic.script import Script
from psycopg import sql

from safemigrate.config import VerifyChoices
from safemigrate.errors import UsageError
from safemigrate.server import Server
from safemigrate.source import Project
from safemigrate.sql import NamedRoles
from safemigrate.trace import open_connection
from safemigrate.verify.bench import open_bench
from safemigrate.verify.foreknowledge import Foreknowledge
from safemigrate.verify.selection import find_ancestors, read_source
from safemigrate.verify.surroundings import (
    find_missing_extensions,
    list_roles,
    plant_seed,
    prepare_for_roles,
    refusing_network,
    replaying_roles,
    standing_roles,
)
from safemigrate.verify.witness import Witness

__all__ = ["Footing", "prepared"]

# Without one of these words in it, no revision has to do with roles or extensions.
_TELLING = re.compile(
    r"\b(?:AUTHORIZATION|EXTENSION|GRANT|OWNED|OWNER|POLICY|REVOKE|ROLE|USER)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Footing:
    """What a history starts from.

    `witness`: a second process to run upgrades in. `base`: a database to be copied and never used,
    None for an empty one. `applied`: the revisions that are there already, in order. `notices`:
    what the reader of a report should know.
    """

    witness: Witness
    base: str | None = None
    applied: tuple[Script, ...] = ()
    notices: tuple[str, ...] = ()


@contextmanager
def prepared(
    project: Project, server: Server, choices: VerifyChoices, foreknowledge: Foreknowledge
) -> Iterator[Footing]:
    """Make the server ready for the time of the block, in which revisions may run on it.

    Roles that the revisions name are there, those that they make are kept apart for each database,
    the network is refused but for the hosts allowed, and the seed is planted.
    Raises UsageError for a seed that cannot be used, ServerError where the server refuses.
    """
    statements = _list_statements(foreknowledge) if _may_tell(project) else []
    named = list_roles(statements)
    with ExitStack() as stack:
        roles_before: frozenset[str] | None = None
        if named != NamedRoles():
            roles_before = stack.enter_context(standing_roles(server, named))
            stack.enter_context(replaying_roles(roles_before))
        stack.enter_context(refusing_network(server.url("postgres"), choices.allowed_hosts))
        base: str | None = None
        applied: tuple[Script, ...] = ()
        if named.created or choices.seed is not None:
            base = server.create_database()
            stack.callback(server.drop_database, base)
            with open_connection(server.url(base)) as connection:
                prepare_for_roles(connection)
        if base is not None and choices.seed is not None:
            plant_seed(server, base, choices.seed)
            applied = _find_applied(project, server, base, choices.seed)
        notices = [*_say_missing(find_missing_extensions(server, statements)), *_say(applied)]
        witness = stack.enter_context(Witness(project, choices, roles_before))
        yield Footing(witness, base, applied, tuple(notices))


def _may_tell(project: Project) -> bool:
    return any(_TELLING.search(read_source(script.path)) for script in project.revisions())


def _list_statements(foreknowledge: Foreknowledge) -> list[str]:
    return [
        judged.statement.sql
        for passage in foreknowledge.passages.values()
        for judged in passage.statements
    ]


def _find_applied(project: Project, server: Server, base: str, seed: Path) -> tuple[Script, ...]:
    """Return the revisions that the seed's version table names, and all before them."""
    copy = server.copy_database(base)
    try:
        with open_bench(project, server, copy) as bench:
            # env.py says where the version table is
            bench.run(())
            query = sql.SQL("SELECT version_num FROM {}").format(bench.version_table.identifier())
            heads = frozenset(str(row[0]) for row in bench.connection.execute(query))
    finally:
        server.drop_database(copy)
    scripts = project.revisions()
    strangers = sorted(heads - {script.revision for script in scripts})
    if strangers:
        raise UsageError(
            f'the seed "{seed}" is at revision "{strangers[0]}", which this project does not have',
            "dump the database of this project, or leave its version table out of the seed",
        )
    needed = find_ancestors(scripts, heads)
    return tuple(script for script in scripts if script.revision in needed)


def _say_missing(extensions: Sequence[str]) -> Iterator[str]:
    if extensions:
        names = ", ".join(f'"{name}"' for name in extensions)
        yield (
            f"the throwaway server does not have what the history creates: extension {names}; "
            "--server container:IMAGE, or a URL, names a server that has it"
        )


def _say(applied: Sequence[Script]) -> Iterator[str]:
    if applied:
        there = "1 revision is" if len(applied) == 1 else f"{len(applied)} revisions are"
        yield (
            f"the seed is at revision {applied[-1].revision}: {there} there already, and not proved"
        )
