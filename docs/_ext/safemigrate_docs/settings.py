"""The page of the configuration, from the structs that read it."""

import inspect
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from safemigrate.config import RuleOptions, file, options, proving, running
from safemigrate.execute.settings import RunSettings
from safemigrate_docs.markdown import escape, fence, format_table, head_page
from safemigrate_docs.meanings import MEANINGS
from safemigrate_docs.schemas import name_type

__all__ = ["list_keys", "list_setting_pages"]

_HEAD = """\
In `[tool.safemigrate]` of `pyproject.toml`, or in `safemigrate.toml` without that prefix.
The file beside alembic.ini is read, or the one where the command runs.
In a directory that has both, `safemigrate.toml` counts.
An unknown key is an error that names it, and so is a value of another kind.
An option on the command line goes before the configuration.

"""


def _count(duration: timedelta, unit: timedelta) -> int:
    return duration // unit


# What each table of the configuration is, with the struct that reads it and its right lines.
# They are private because nobody but this page needs them as they are.
_TABLES: Mapping[str, tuple[str, type[msgspec.Struct], Mapping[str, str]]] = {
    "": ("The project", file._Table, file._EXAMPLES),  # noqa: SLF001
    "run": ("How migrations are run", running._Table, running._EXAMPLES),  # noqa: SLF001
    "verify": ("How revisions are proved", proving._Table, proving._EXAMPLES),  # noqa: SLF001
    "options": ("What rules read", options._Table, {}),  # noqa: SLF001
}

_RUN, _VERIFY, _OPTIONS = RunSettings(), proving.VerifyChoices(), RuleOptions()

# What counts where a key is not set and the struct that reads it does not say so itself.
_DEFAULTS: Mapping[str, object] = {
    "deadline-s": _count(_RUN.deadline, timedelta(seconds=1)),
    "lock-timeout-ms": _count(_RUN.lock_timeout, timedelta(milliseconds=1)),
    "longest-read-ms": _count(_VERIFY.longest_read, timedelta(milliseconds=1)),
    "max-block-ms": _count(_VERIFY.max_block, timedelta(milliseconds=1)),
    "most-columns": _OPTIONS.most_columns,
    "most-index-columns": _OPTIONS.most_index_columns,
    "stall-budget-ms": _count(_RUN.stall_limit, timedelta(milliseconds=1)),
    "timeout-s": _count(_VERIFY.time_limit, timedelta(seconds=1)),
    "when-busy": _RUN.when_busy.value,
}


def list_keys() -> dict[str, Sequence[str]]:
    """Return the keys of each table."""
    return {
        name: [field.encode_name for field in msgspec.structs.fields(kind)]
        for name, (_, kind, _) in _TABLES.items()
    }


def list_setting_pages() -> dict[str, str]:
    """Return the page by its path below the reference."""
    parts = [
        head_page("Configuration", "Every key of [tool.safemigrate] in pyproject.toml."),
        _HEAD,
    ]
    told = {**MEANINGS, "options": _read_attributes(RuleOptions)}
    for name, (title, kind, examples) in _TABLES.items():
        place = ".".join(filter(None, ("tool.safemigrate", name)))
        parts.append(f"## {title}\n\nBelow `[{place}]`:\n\n")
        schema = msgspec.json.schema(kind, schema_hook=_leave_open)
        (body,) = (one for one in schema["$defs"].values() if one.get("title") == kind.__name__)
        rows = [
            _row(key, one, schema["$defs"], told[name][key])
            for key, one in sorted(body["properties"].items())
        ]
        parts.append(format_table(("key", "is", "unless set", "what it says"), rows))
        if examples:
            lines = "\n".join(line for _, line in sorted(examples.items()))
            parts += ["For example:\n\n", fence(f"[{place}]\n{lines}", "toml")]
    return {"configuration.md": "".join(parts)}


def _leave_open(kind: type) -> dict[str, Any]:
    """Return the schema of what a table takes as it is, and reads elsewhere."""
    return {"type": "object"} if kind is object else {"title": kind.__name__}


def _row(
    key: str, schema: Mapping[str, Any], definitions: Mapping[str, Any], meaning: str
) -> tuple[str, str, str, str]:
    default = _DEFAULTS.get(key, schema.get("default"))
    shown = f"`{str(default).lower()}`" if default or default is False else ""
    return f"`{key}`", name_type(schema, definitions), shown, meaning


def _read_attributes(kind: type) -> dict[str, str]:
    """Return what a docstring says of each attribute, as one sentence; keys have dashes."""
    text = " ".join(inspect.cleandoc(kind.__doc__ or "").split())
    parts = re.split(r"`(\w+)`: ", text)[1:]
    return {
        name.replace("_", "-"): escape(said.strip()[:1].upper() + said.strip()[1:].rstrip("."))
        for name, said in zip(parts[::2], parts[1::2], strict=True)
    }
