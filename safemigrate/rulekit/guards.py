"""IF EXISTS and IF NOT EXISTS, written or left out."""

from collections.abc import Iterator
from dataclasses import dataclass

from safemigrate.model import (
    Action,
    AddColumn,
    CreateExtension,
    CreateIndex,
    CreateTable,
    DropColumn,
    DropConstraint,
    DropIndex,
    DropObject,
    DropSchema,
    DropTable,
    DropView,
    Event,
    Persistence,
)
from safemigrate.rulekit.context import Context, once_a_passage

__all__ = ["Guard", "guards"]


@dataclass(frozen=True, slots=True)
class Guard:
    """A place where IF EXISTS or IF NOT EXISTS can stand.

    `what`: the thing, as a message names it. `is_drop`: IF EXISTS, for what is dropped.
    `is_written`: it stands there.
    """

    event: Event
    what: str
    is_drop: bool
    is_written: bool


@once_a_passage
def guards(context: Context) -> Iterator[Guard]:
    """Yield every such place, in order; none for temporary tables.

    None either for an index that is built concurrently without IF NOT EXISTS, which would pass over
    one that was left invalid.
    """
    for event in context.all_events():
        found = _drop(event, event.action) or _create(event, event.action)
        if found is not None:
            yield found


def _drop(event: Event, action: Action) -> Guard | None:
    match action:
        case DropTable(table=name):
            what = f'table "{event.before.resolve(name)}"'
        case DropView(view=name):
            what = f'view "{event.before.resolve(name)}"'
        case DropIndex(index=name):
            what = f'index "{event.before.resolve(name)}"'
        case DropSchema(name=schema):
            what = f'schema "{schema}"'
        case DropObject(kind=kind, name=name):
            what = f'{kind.lower()} "{name}"' if name.name else kind.lower()
        case DropColumn(table=name, column=column):
            what = f'column "{column}" of "{event.before.resolve(name)}"'
        case DropConstraint(table=name, name=constraint):
            what = f'constraint "{constraint}" of "{event.before.resolve(name)}"'
        case _:
            # Nothing else that drops says whether it is written.
            return None
    return Guard(event, what, is_drop=True, is_written=action.takes_missing)


def _create(event: Event, action: Action) -> Guard | None:
    match action:
        case CreateTable(persistence=Persistence.TEMPORARY):
            return None
        case CreateTable(table=name):
            what = f'table "{event.before.resolve_new(name)}"'
        case CreateIndex(name=None) | CreateIndex(is_concurrent=True, takes_existing=False):
            # IF NOT EXISTS needs a name.
            return None
        case CreateIndex(name=index, table=name):
            what = f'index "{index}" of "{event.before.resolve(name)}"'
        case AddColumn(table=name, column=column):
            what = f'column "{column.name}" of "{event.before.resolve(name)}"'
        case CreateExtension(name=extension):
            what = f'extension "{extension}"'
        case _:
            # Nothing else that makes something says whether it is written.
            return None
    return Guard(event, what, is_drop=False, is_written=action.takes_existing)
