"""The plugin of sqlfluff: our findings in `sqlfluff lint`, and in editors that have it.

sqlfluff imports this module wherever both are installed, so it imports nothing that takes time.
https://docs.sqlfluff.com/en/stable/perma/plugin_dev.html
"""

import logging
from typing import TYPE_CHECKING, Any

from sqlfluff.core.plugin import hookimpl

if TYPE_CHECKING:
    from sqlfluff.core.rules import BaseRule

__all__ = ["GROUP", "get_rules", "load_default_config"]

GROUP = "safemigrate"
"""The group of all our rules, for `exclude_rules`, and the section of what may be configured."""

_logger = logging.getLogger("sqlfluff.plugin")


@hookimpl
def get_rules() -> "list[type[BaseRule]]":
    """Return a rule of sqlfluff's for each rule of ours.

    None where they cannot be made, such as for a sqlfluff that has changed: it has rules of its
    own, and must be able to go on.
    """
    try:
        from safemigrate.style.plugin_rules import (  # noqa: PLC0415 - sqlfluff asks for it so
            make_rules,
        )

        return make_rules()
    except Exception as error:  # noqa: BLE001 - whatever it is
        _logger.warning("safemigrate has no rules here: %r", error)
        return []


@hookimpl
def load_default_config() -> dict[str, Any]:
    """Return what the configuration has where a project says nothing.

    `schema_path`: the file that says what exists before the SQL; sqlfluff takes it as relative to
    the file of configuration, because of how it is named.
    """
    return {GROUP: {"schema_path": None}}
