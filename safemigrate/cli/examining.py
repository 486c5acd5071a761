"""What pending revisions will do on a database as it is, and what speaks against running them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version as version_of
from typing import TypeVar

from alembic.util import to_tuple
from sqlalchemy.exc import DBAPIError

from safemigrate.catalog import Ask, CatalogSnapshot, read_server
from safemigrate.catalog.figures import read_disk, read_figures, read_replicas
from safemigrate.cli.baselines import BaselineChoice, leave_out_known
from safemigrate.cli.disks import find_free_bytes
from safemigrate.cli.gating import GateOptions
from safemigrate.cli.schema import read_before
from safemigrate.config import Config
from safemigrate.execute import Inquiry, explain_unreadable
from safemigrate.gate import (
    Answer,
    Decision,
    Heads,
    PendingJudgement,
    decide,
    judge_pending,
    object_to_disk,
    object_to_downgrade,
    object_to_edits,
    object_to_findings,
    object_to_heads,
    object_to_lag,
)
from safemigrate.journal import Outcome, read_entries
from safemigrate.model import (
    NEWEST_VERSION,
    Catalog,
    Direction,
    History,
    Passage,
    QualifiedName,
    ServerVersion,
)
from safemigrate.model.names import DEFAULT_SCHEMA
from safemigrate.plan import Change, Figures, compare_digests, digest_of, measure_room, walk_pending
from safemigrate.source import Project, find_sqlstate, record
from safemigrate.source.sqlstates import LOCK_NOT_AVAILABLE

__all__ = ["Examination", "examine", "find_changes", "find_fork", "name_renderer", "read_from"]

Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found before a run.

    `passages`, `digests`: of the pending revisions, by their ids. `decision`: what the gate says.
    """

    judged: PendingJudgement
    decision: Decision
    passages: Mapping[str, Passage]
    digests: Mapping[str, str]


def examine(
    project: Project, config: Config, options: GateOptions, inquiry: Inquiry
) -> Examination:
    """Return what the pending revisions do there, and whether they may run. Changes nothing."""
    # what a later server does is not known; it is judged as the newest one that is
    server = min(inquiry.server_version, NEWEST_VERSION)
    version = ServerVersion(options.pg_version or server.major)
    history = record(project, version=version)
    judged = _judge(history, config, inquiry, version)
    catalog = _read_catalog(inquiry)
    passages = _find_passages(history, judged, inquiry, catalog, server)
    renderer = name_renderer(version)
    digests = {
        one.revision: digest_of(one, renderer)
        for one in history.migrations
        if one.revision is not None and one.revision in passages
    }
    is_for_all = inquiry.direction is Direction.UPGRADE and not options.is_target_given
    answers = (
        object_to_findings(judged.result, frozenset(inquiry.pending), inquiry.direction),
        object_to_edits(find_changes(history, inquiry, renderer), inquiry.direction),
        find_fork(project, inquiry.heads) if is_for_all else ((), ()),
        object_to_downgrade(inquiry.direction, is_production=config.run.is_production),
        _look_at_disk(list(passages.values()), inquiry, options),
        _look_at_replicas(config, inquiry),
    )
    notices = [notice for _, said in answers for notice in said]
    if catalog is None:
        notices.append(
            "the schema could not be read, for something holds ACCESS EXCLUSIVE; it is taken to be "
            "as the history has it"
        )
    objections = [objection for against, _ in answers for objection in against]
    return Examination(judged, decide(objections, options.overrides, notices), passages, digests)


def _judge(
    history: History, config: Config, inquiry: Inquiry, version: ServerVersion
) -> PendingJudgement:
    """Return what the rules say, but for what the configured baseline has."""
    judged = judge_pending(
        history,
        frozenset(inquiry.pending),
        inquiry.direction,
        settings=config.rules,
        version=version,
        before=read_before(None, config.default_schema).catalog,
    )
    paths = frozenset(finding.path for finding in judged.result.findings)
    result = leave_out_known(
        judged.result, config, timeline=judged.timeline, paths=paths, choice=BaselineChoice()
    )
    return replace(judged, result=result)


def _read_catalog(inquiry: Inquiry) -> Catalog | None:
    """Return the schema that the server has, None where somebody keeps it from being read.

    Names without a schema are looked for where a session of the migrations looks for them.
    """
    try:
        snapshot, path = inquiry.reading(_read_schema)
    except Exception as err:
        state = find_sqlstate(err)
        if not state:
            raise
        if state == LOCK_NOT_AVAILABLE:
            return None
        raise explain_unreadable(err) from err
    catalog = snapshot.catalog("the database")
    if path in {"", DEFAULT_SCHEMA}:
        return catalog
    return replace(catalog, settings={**catalog.settings, "search_path": path})


def _read_schema(ask: Ask) -> tuple[CatalogSnapshot, str]:
    ((path,),) = ask("SELECT array_to_string(current_schemas(false), ', ')")
    try:
        return read_server(ask), str(path)
    except Exception:
        # a failed transaction takes no other statement
        ask("ROLLBACK")
        raise


def _find_passages(
    history: History,
    judged: PendingJudgement,
    inquiry: Inquiry,
    catalog: Catalog | None,
    server: ServerVersion,
) -> Mapping[str, Passage]:
    """Return what each pending revision does; as it was judged, where it meets the same there."""
    timeline = judged.timeline
    passages = {
        one.migration.revision: one
        for one in timeline.passages
        if one.direction is inquiry.direction
        and one.migration.revision in inquiry.pending
        and not one.database
    }
    is_judged_there = all(
        one.version == server and one.before.is_complete for one in passages.values()
    )
    if catalog is None or (not inquiry.heads and _is_empty(catalog) and is_judged_there):
        return {name: passages[name] for name in inquiry.pending if name in passages}
    return walk_pending(history, inquiry.pending, inquiry.direction, before=catalog, version=server)


def _is_empty(catalog: Catalog) -> bool:
    kinds = (catalog.tables, catalog.indexes, catalog.enums, catalog.domains, catalog.functions)
    others = (catalog.statistics, catalog.sequences, catalog.settings)
    return not any((*kinds, *others)) and catalog.schemas == {DEFAULT_SCHEMA}


def name_renderer(version: ServerVersion) -> str:
    """Return what decides about the SQL that a revision sends, beside the project's own code."""
    packages = ("safemigrate", "alembic", "sqlalchemy")
    return " ".join((f"postgresql {version}", *(f"{one} {version_of(one)}" for one in packages)))


def find_changes(history: History, inquiry: Inquiry, renderer: str) -> Mapping[str, Change]:
    """Return how each revision that was applied differs from what it was then."""
    try:
        entries = inquiry.run(read_entries)
    except DBAPIError as err:
        raise explain_unreadable(err) from err
    applied: dict[str, str] = {}
    for entry in entries:
        if entry.outcome is Outcome.APPLIED:
            is_up = entry.direction is Direction.UPGRADE
            applied[entry.revision] = entry.digest if is_up else ""
    if inquiry.direction is Direction.UPGRADE:
        applied = {one: then for one, then in applied.items() if one not in inquiry.pending}
    return {
        one.revision: compare_digests(then, digest_of(one, renderer))
        for one in history.migrations
        if one.revision is not None and (then := applied.get(one.revision, ""))
    }


def find_fork(project: Project, current: tuple[str, ...]) -> Answer:
    """Return what speaks against running all that is pending for a database at `current`."""
    script = project.script
    labels = {
        head: frozenset(script.get_revision(head).branch_labels) for head in script.get_heads()
    }
    parents = {
        one.revision: to_tuple(one.down_revision, default=()) for one in script.walk_revisions()
    }
    return object_to_heads(Heads(labels, current, parents))


def _look_at_disk(passages: Sequence[Passage], inquiry: Inquiry, options: GateOptions) -> Answer:
    """Return what speaks against the rewrites; the server is asked only when there are any."""
    rewritten: frozenset[QualifiedName] = frozenset(
        table.name
        for passage in passages
        for explained in passage.statements
        for rewritten in explained.facts.rewrites
        if (table := passages[0].before.tables.get(rewritten)) is not None
    )
    if not rewritten:
        return (), ()
    figures = read_from(inquiry, lambda ask: read_figures(ask, rewritten))
    needs = measure_room(passages, Figures(figures))
    given = options.disk_free_bytes
    if given is not None:
        return object_to_disk(needs, dict.fromkeys(needs, given))
    disk = read_from(inquiry, read_disk)
    return object_to_disk(needs, {place: find_free_bytes(disk, place) for place in needs})


def _look_at_replicas(config: Config, inquiry: Inquiry) -> Answer:
    most = config.run.most_replica_lag
    if most is None:
        return (), ()
    return object_to_lag(read_from(inquiry, read_replicas), most.total_seconds())


def read_from(inquiry: Inquiry, read: Callable[[Ask], Answered]) -> Answered:
    """Return what `read` returns; DatabaseError where the server refuses to answer."""
    try:
        return inquiry.reading(read)
    except Exception as err:
        if not find_sqlstate(err):
            raise
        raise explain_unreadable(err) from err
