"""Row-level security: tenants kept apart in every table that the revision has a part in."""

from collections.abc import Iterator

from safemigrate.errors import ServerError
from safemigrate.model import Check, Property
from safemigrate.verify.bench import Bench
from safemigrate.verify.definitions import split_definition
from safemigrate.verify.differences import split_identity
from safemigrate.verify.snapshots import Snapshot
from safemigrate.verify.stage import Experiment, Stage, State
from safemigrate.verify.tenants.guarded import read_functions, read_guarded
from safemigrate.verify.tenants.probing import Probe, probe
from safemigrate.verify.tenants.settings import SettingFinder

__all__ = ["TENANTS"]

_ADVICE = (
    "bind every command to the tenant: ENABLE ROW LEVEL SECURITY, and a policy with USING and "
    "WITH CHECK; views want security_invoker, functions SECURITY INVOKER, partitions no grants of "
    "their own"
)
_PARTS = frozenset({"column", "constraint", "policy", "rule", "trigger"})
_ON = "row security=on"


def _prove(stage: Stage) -> Iterator[Check]:
    subject = Property.ISOLATES_TENANTS
    lost = tuple(_find_lost(stage))
    changed = _find_changed(stage.before, stage.after)
    if not lost and not _has_policies(stage.after):
        yield stage.holds(subject, "no table has row-level security")
        return
    with stage.database(State.AFTER) as bench:
        wanted = _find_concerned(bench, changed)
        try:
            found = probe(bench, wanted, stage.choices.tenants) if wanted else Probe()
        except ServerError as error:
            yield stage.unknown(subject, error.message, advice=error.hint)
            return
    known: frozenset[tuple[str, ...]] = frozenset()
    if found.leaks:
        with stage.database(State.BEFORE) as bench:
            before = probe(bench, wanted, stage.choices.tenants)
        known = frozenset(one.cell for one in before.leaks)
    fresh = [one.line for one in found.leaks if one.cell not in known]
    notes = [
        *dict.fromkeys(found.notes),
        *(f"before this revision too: {one.line}" for one in found.leaks if one.cell in known),
    ]
    lines = [*lost, *fresh]
    if lines:
        more = f"; and {len(lines) - 1} more" if len(lines) > 1 else ""
        yield stage.broken(subject, lines[0] + more, (*lines, *notes), advice=_ADVICE)
    elif found.open_:
        why = next(iter(found.open_.values()))
        more = f"; and {len(found.open_) - 1} tables more" if len(found.open_) > 1 else ""
        yield stage.unknown(subject, why.reason + more, advice=why.advice)
    elif not wanted:
        yield stage.holds(subject, "it changes nothing that row-level security rests on")
    else:
        cells = sum(found.tables.values())
        names = ", ".join(found.tables)
        yield stage.holds(
            subject, f"{cells} cells of the matrix hold: {names}" if names else "", notes
        )


def _has_policies(schema: Snapshot) -> bool:
    return any(
        kind == "policy" or (kind == "table" and _is_on(definition))
        for (kind, _), definition in schema.objects.items()
    )


def _find_lost(stage: Stage) -> Iterator[str]:
    """Yield the tables that had row-level security, and have neither it nor policies now."""
    policies = {split_identity(name)[0] for kind, name in stage.after.objects if kind == "policy"}
    for (kind, identity), definition in stage.before.objects.items():
        if kind != "table" or identity in policies or not _is_on(definition):
            continue
        if not _is_on(stage.after.objects.get((kind, identity), _ON)):
            yield f"row-level security of {identity} is switched off: all its rows are open"


def _is_on(definition: str) -> bool:
    """Return whether a table has it; that it would be forced on the owner too is another matter."""
    return _ON in split_definition(definition)


def _find_changed(before: Snapshot, after: Snapshot) -> frozenset[str]:
    """Return the identities of relations and functions that are new, gone or different."""
    keys = {
        key
        for key in before.objects.keys() | after.objects.keys()
        if before.objects.get(key) != after.objects.get(key)
    }
    return frozenset(
        split_identity(identity)[0] if kind in _PARTS else identity for kind, identity in keys
    )


def _find_concerned(bench: Bench, changed: frozenset[str]) -> frozenset[str]:
    """Return the guarded tables that what changed has a part in."""
    functions = read_functions(bench.connection)
    finder = SettingFinder.of(functions)
    names = {identity: name for identity, name, _ in functions}
    concerned = set()
    tables = {one.identity: one for one in read_guarded(bench.connection)}
    for table in tables.values():
        called = {one for condition in table.conditions for one in finder.reaches(condition)}
        rests_on = {
            table.identity,
            table.schema,
            *(one for policy in table.policies for one in policy.reads),
            *(one.identity for one in (*table.parts, *table.views, *table.functions)),
            *(identity for identity, name in names.items() if name in called),
        }
        if rests_on & changed:
            concerned.add(table.identity)
    return frozenset(concerned)


TENANTS = Experiment((Property.ISOLATES_TENANTS,), _prove)
