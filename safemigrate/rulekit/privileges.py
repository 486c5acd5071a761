"""Who gets which privileges on what, in words."""

from safemigrate.model import ChangePrivileges, Event
from safemigrate.rulekit.objects import ROUTINES
from safemigrate.rulekit.wording import join_words

__all__ = ["name_grantees", "name_objects", "name_privileges"]


_IN_SCHEMAS = ROUTINES | {"DOMAIN", "TYPE"}


def name_grantees(action: ChangePrivileges) -> str:
    """Return the roles."""
    return join_words(["PUBLIC" if role == "public" else role for role in action.grantees])


def name_objects(event: Event, action: ChangePrivileges) -> str:
    """Return what the privileges are on."""
    kind = action.kind.lower()
    names = [f'"{event.before.resolve(table)}"' for table in action.tables]
    for name in action.objects:
        has_schema = action.kind in _IN_SCHEMAS
        names.append(f'{kind} "{event.before.resolve(name) if has_schema else name}"')
    names += [f'every {kind} of "{schema}"' for schema in action.schemas]
    return join_words(names) if names else f"a {kind}"


def name_privileges(action: ChangePrivileges) -> str:
    """Return the privileges, as SQL spells them."""
    return join_words(action.privileges) if action.privileges else "ALL"
