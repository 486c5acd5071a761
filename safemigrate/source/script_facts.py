"""What a revision file says of its place in the history, read without running it."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from alembic.script import Script

from safemigrate.source.text import parse_python

__all__ = ["ScriptFacts", "load_script_stub", "read_facts"]

_NAMES = ("revision", "down_revision", "branch_labels", "depends_on")

_ASSIGNED = re.compile(
    rf"^(?P<name>{'|'.join(_NAMES)})\b[^=\n]*=[ \t]*(?P<value>\((?:[^()]*)\)|[^\n#]*)", re.MULTILINE
)
_QUOTED = re.compile(r"""(["'])(?P<text>[^"'\n]*)\1""")
_DOC = re.compile(r'\A\s*[rRuU]?("""|\'\'\')(?P<text>.*?)\1', re.DOTALL)


@dataclass(frozen=True, slots=True)
class ScriptFacts:
    """What the graph of revisions is made of; `doc` is the file's own docstring."""

    revision: str
    down_revisions: tuple[str, ...] = ()
    branch_labels: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    doc: str = ""


def load_script_stub(path: Path, facts: ScriptFacts) -> Script:
    """Return a script with its place in the graph, and without its functions.

    The file is not opened. Raises what Alembic raises for an id that it does not take.
    """
    module = ModuleType(re.sub(r"\W", "_", path.name), facts.doc or None)
    module.__file__ = str(path)
    module.__dict__.update(
        revision=facts.revision,
        down_revision=facts.down_revisions or None,
        branch_labels=facts.branch_labels or None,
        depends_on=facts.depends_on or None,
    )
    return Script(module, facts.revision, path)


def read_facts(text: str) -> ScriptFacts | None:
    """Return what a revision's text says, also when it is not Python; None without a revision id.

    What is not written as a constant is taken to be missing.
    """
    try:
        tree = parse_python(text)
    except (SyntaxError, ValueError, RecursionError):
        doc = _DOC.match(text)
        return _make_facts(_search(text), "" if doc is None else doc["text"])
    return _make_facts(_evaluate(tree), ast.get_docstring(tree, clean=False) or "")


def _make_facts(values: Mapping[str, tuple[str, ...]], doc: str) -> ScriptFacts | None:
    revision = values.get("revision", ())
    if len(revision) != 1:
        return None
    return ScriptFacts(
        revision[0],
        values.get("down_revision", ()),
        values.get("branch_labels", ()),
        values.get("depends_on", ()),
        doc,
    )


def _evaluate(tree: ast.Module) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        if name in _NAMES:
            found[name] = _strings(value)
    return found


def _strings(node: ast.expr) -> tuple[str, ...]:
    match node:
        case ast.Constant(value=str(text)):
            return (text,)
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return tuple(text for element in elements for text in _strings(element))
    return ()


def _search(text: str) -> Mapping[str, tuple[str, ...]]:
    return {
        found["name"]: tuple(one["text"] for one in _QUOTED.finditer(found["value"]))
        for found in _ASSIGNED.finditer(text)
    }
