"""One database probed: who reaches whose rows in its guarded tables."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import psycopg

from safemigrate.errors import ServerError
from safemigrate.model import QualifiedName
from safemigrate.trace import Connection, describe_fault, open_connection
from safemigrate.verify.bench import Bench
from safemigrate.verify.rows import fill_tables
from safemigrate.verify.tenants.acting import Actor, Guise, choose_actors, find_target, stand_ins
from safemigrate.verify.tenants.entrances import Entrances
from safemigrate.verify.tenants.guarded import GuardedTable, View, read_functions, read_guarded
from safemigrate.verify.tenants.matrix import Leak, Matrix, Sessions, describe_guise
from safemigrate.verify.tenants.settings import SettingFinder
from safemigrate.verify.tenants.tenancy import Deriver, Tenancy, Underived

__all__ = ["Probe", "probe"]

# Enough that the flags and kinds of rows vary among those of one tenant.
_ROWS = 12
_COMMANDS = ("SELECT", "UPDATE", "DELETE", "insert", "move")


@dataclass(slots=True)
class Probe:
    """What came of it.

    `leaks`: cells of the matrix that are not as they must be. `open_`: table → why nothing could
    be told, and what helps. `notes`: what a reader should know. `tables`: those that were tried,
    with how many cells.
    """

    leaks: list[Leak] = field(default_factory=list)
    open_: dict[str, Underived] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    tables: dict[str, int] = field(default_factory=dict)


def probe(bench: Bench, wanted: Collection[str], given: Mapping[str, tuple[str, str]]) -> Probe:
    """Return what roles reach in the guarded tables of those identities.

    `given`: setting → the values of two tenants. The database is one to be thrown away: it gets
    rows. Raises ServerError where our own role is no superuser.
    """
    connection = bench.connection
    _require_superuser(connection)
    tables = {one.identity: one for one in read_guarded(connection)}
    finder = SettingFinder.of(read_functions(connection))
    unsolved = _fill(connection, tables, wanted)
    deriver = Deriver(connection, tables, finder, given, unsolved)
    result = Probe()
    with open_connection(bench.url) as unset:
        sessions = Sessions(connection, unset)
        for identity in sorted(wanted & tables.keys()):
            _probe_table(sessions, tables[identity], deriver, result)
    result.leaks.sort(key=_rank)
    return result


def _rank(leak: Leak) -> int:
    """Return where a leak stands among the others: what is read comes first."""
    found = (rank for rank, one in enumerate(_COMMANDS) if one in leak.cell)
    return next(found, len(_COMMANDS))


def _require_superuser(connection: Connection) -> None:
    row = connection.execute(
        "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if row is None or not row[0]:
        raise ServerError(
            "to try what a role may do takes a superuser, which the role on this server is not",
            "use another server, such as --server embedded",
        )


def _fill(
    connection: Connection, tables: Mapping[str, GuardedTable], wanted: Iterable[str]
) -> dict[str, str]:
    """Generate rows in the tables and in what their policies read; return where not, and why."""
    needed: dict[str, None] = {}
    waiting = [one for one in wanted if one in tables]
    while waiting:
        one = waiting.pop()
        if one not in needed:
            needed[one] = None
            policies = tables[one].policies if one in tables else ()
            waiting += [name for policy in policies for name in policy.reads]
    query = (
        "SELECT format('%%I.%%I', nspname, relname), nspname, relname FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind IN ('r', 'p')"
        " AND format('%%I.%%I', nspname, relname) = ANY (%s) ORDER BY 1"
    )
    rows = connection.execute(query, (list(needed),)).fetchall()
    names = {str(row[0]): QualifiedName(str(row[1]), str(row[2])) for row in rows}
    filling = fill_tables(connection, names.values(), _ROWS)
    return {
        identity: filling.unsolved[name]
        for identity, name in names.items()
        if name in filling.unsolved
    }


def _probe_table(sessions: Sessions, table: GuardedTable, deriver: Deriver, result: Probe) -> None:
    if not table.policies:
        result.notes.append(f"{table.identity} has no policies, so that it shows nobody a row")
        return
    if {*table.conditions} == {"true"}:
        result.notes.append(f"the policies of {table.identity} let everybody see every row")
    tenancy = deriver.derive(table)
    if isinstance(tenancy, Underived):
        if {*table.conditions} != {"true"}:
            result.open_[table.identity] = tenancy
        return
    _tell_owner(table, result)
    tried = [_try(sessions, table, tenancy, one, result) for one in choose_actors(table)]
    if not any(one.cells for one in tried):
        actors = stand_ins(table)
        tried = [_try(sessions, table, tenancy, one, result) for one in actors]
        shown = ", ".join(one.shown for one in actors)
        result.notes.append(f"no role has a right on {table.identity}: it was tried with {shown}")
    let_in = [one for one in tried if one.cells and _lets_in(table, one.actor)]
    if let_in and not tenancy.is_shared and not any(one.has_reached for one in let_in):
        _tell_unreached(let_in[0], result)


def _lets_in(table: GuardedTable, actor: Actor) -> bool:
    """Return whether a policy lets the role have some rows."""
    return any(
        policy.is_permissive and {"", actor.name} & {*policy.roles} for policy in table.policies
    )


def _tell_unreached(matrix: Matrix, result: Probe) -> None:
    """Tell that not reaching others' rows means nothing for one who does not reach its own."""
    if any(matrix.table.identity in one.cell for one in result.leaks):
        return
    guise = describe_guise(Guise(matrix.tenancy.first.settings), matrix.tenancy)
    result.open_[matrix.table.identity] = Underived(
        f"{matrix.actor.shown}, {guise}, reaches no row of {matrix.table.identity} that should be "
        "its own, so that it shows nothing that it reaches no others",
        "the policies ask for more than generated rows have: give rows of your own",
    )


def _try(
    sessions: Sessions, table: GuardedTable, tenancy: Tenancy, actor: Actor, result: Probe
) -> Matrix:
    """Try all that a role may do, and return what it did with the table itself."""
    matrix = Matrix(sessions, table, table, tenancy, actor)
    matrix.run()
    _gather(matrix, result)
    result.tables[table.identity] = result.tables.get(table.identity, 0) + matrix.cells
    if matrix.leaks and matrix.is_bound is False:
        result.notes.append(
            f"row-level security does not bind {actor.shown} on {table.identity}"
            + ("" if table.is_enabled else ": it is not enabled")
        )
    if actor.is_endowed or tenancy.is_shared:
        return matrix
    for way in (*table.parts, *_find_writable(sessions, table, tenancy, result)):
        one = Matrix(sessions, table, way, tenancy, actor)
        one.run()
        _gather(one, result)
    entrances = Entrances(sessions, table, tenancy, actor)
    entrances.run()
    result.leaks += entrances.leaks
    result.notes += entrances.notes
    return matrix


def _find_writable(
    sessions: Sessions, table: GuardedTable, tenancy: Tenancy, result: Probe
) -> Iterator[View]:
    """Yield the views that pass on to the table what is written to them."""
    for view in table.views:
        try:
            target = find_target(sessions.usual, view, tenancy.first.settings)
        except psycopg.Error as error:
            result.notes.append(f"{view.identity} was not written to: {describe_fault(error)}")
            continue
        if target == table.qualified:
            yield view


def _gather(matrix: Matrix, result: Probe) -> None:
    result.leaks += matrix.leaks
    result.notes += matrix.notes


def _tell_owner(table: GuardedTable, result: Probe) -> None:
    if any(table.owner in one.roles for one in table.policies) and not table.is_forced:
        cell = (table.owner, "owner", table.identity)
        line = (
            f"role {table.owner} owns {table.identity}, so that the policy that names it does not "
            "bind it: it sees every row"
        )
        result.leaks.append(Leak(cell, line))
    elif not table.is_forced:
        result.notes.append(
            f"{table.identity} is not under FORCE ROW LEVEL SECURITY: its owner sees every row, "
            "so the application must not be the owner"
        )
