"""What kind of text a revision sends, as far as it matters for doing it exactly once."""

import re
from collections.abc import Iterator, Sequence
from enum import Enum

from safemigrate.facts.volatility import is_builtin
from safemigrate.model import ExplainedStatement, FunctionCall, NoTableAction
from safemigrate.plan import Foreseen
from safemigrate.sql.lexing import lex

__all__ = ["Control", "Kind", "control_of", "kind_of", "reads_rows"]


class Kind(Enum):
    """`FREE`: it leaves nothing behind but in the session, and is sent every time.

    `TOGETHER`: it can be in one transaction with its row of the journal. `ALONE`: outside of a
    transaction the server would not take it inside of one, or it ends transactions itself.
    """

    FREE = "free"
    TOGETHER = "together"
    ALONE = "alone"


class Control(Enum):
    """What a text does to the transaction that it is in.

    `MIXED`: it begins or ends one beside doing something else, so that a part of it may stay when
    the rest fails.
    """

    NONE = "none"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    MIXED = "mixed"


_SESSION = frozenset(
    {
        "",
        "ABORT",
        "BEGIN",
        "CHECKPOINT",
        "CLOSE",
        "COMMIT",
        "DEALLOCATE",
        "DECLARE",
        "DISCARD",
        "END",
        "FETCH",
        "LISTEN",
        "LOAD",
        "MOVE",
        "PREPARE",
        "RELEASE",
        "RESET",
        "ROLLBACK",
        "SAVEPOINT",
        "SET",
        "SHOW",
        "START",
        "UNLISTEN",
    }
)
_QUERIES = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN"})
_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "INTO", "ANALYZE", "ANALYSE"})
# Functions of PostgreSQL's own that leave something behind which counts when it is done twice.
_COUNTING = frozenset({"nextval", "lo_create", "lo_creat", "lo_from_bytea", "lo_import", "lo_put"})
# Those that the manual of each says cannot be executed inside a transaction block.
_ALONE = frozenset({"VACUUM", "REINDEX", "CLUSTER", "CALL", "CHECKPOINT"})
_ALONE_OBJECTS = frozenset({"DATABASE", "TABLESPACE", "SUBSCRIPTION"})
_ENDS = frozenset({"COMMIT", "ROLLBACK", "CALL"})
_MAY_CONTROL = re.compile(r"\b(?:abort|begin|commit|end|prepare|rollback|start)\b", re.IGNORECASE)


def control_of(sql: str) -> Control:
    """Return what a text, which may hold several statements, does to its transaction."""
    if _MAY_CONTROL.search(sql) is None:
        return Control.NONE
    statements = [words for words in _split(sql) if words]
    found = {_control_of_one(words) for words in statements} - {Control.NONE}
    if len(statements) > 1:
        begins = any(words[0] in {"BEGIN", "START"} for words in statements)
        return Control.MIXED if found or begins else Control.NONE
    return found.pop() if found else Control.NONE


def _control_of_one(words: Sequence[str]) -> Control:
    match list(words[:3]):
        # what was prepared before is no transaction of this session
        case [_, "PREPARED", *_]:
            return Control.NONE
        case ["ROLLBACK", "TO", *_] | ["ROLLBACK", "WORK" | "TRANSACTION", "TO"]:
            return Control.NONE
        case ["COMMIT" | "END", *_] | ["PREPARE", "TRANSACTION", *_]:
            return Control.COMMIT
        case ["ROLLBACK" | "ABORT", *_]:
            return Control.ROLLBACK
        case _:
            return Control.NONE


def kind_of(sql: str, foreseen: Foreseen | None = None) -> Kind:
    """Return the kind of a text, which may hold several statements."""
    if foreseen is not None and foreseen.statements and all(map(_only_reads, foreseen.statements)):
        return Kind.FREE
    kinds = {_kind_of_one(words) for words in _split(sql)}
    if Kind.ALONE in kinds or control_of(sql) is Control.MIXED:
        return Kind.ALONE
    return Kind.TOGETHER if Kind.TOGETHER in kinds else Kind.FREE


def _only_reads(statement: ExplainedStatement) -> bool:
    """Return whether the statement is known to be a query that leaves nothing behind."""
    return bool(statement.events) and all(
        isinstance(event.action, NoTableAction)
        and event.action.kind == "SELECT"
        and all(is_builtin(call) and call.name not in _COUNTING for call in event.action.calls)
        for event in statement.events
    )


def _kind_of_one(words: Sequence[str]) -> Kind:
    first = words[0] if words else ""
    if first in _SESSION and first != "CHECKPOINT":
        return Kind.FREE
    if first in _QUERIES:
        return Kind.TOGETHER if _leaves_something(words) else Kind.FREE
    if first in _ALONE or _is_alone(first, words):
        return Kind.ALONE
    return Kind.TOGETHER


def _is_alone(first: str, words: Sequence[str]) -> bool:
    second = words[1] if len(words) > 1 else ""
    match first:
        case "DO":
            # a body may end the transaction it runs in, and so may what it calls
            return not _ENDS.isdisjoint(words)
        case "CREATE" | "DROP" | "ALTER" if second in _ALONE_OBJECTS or second == "SYSTEM":
            return True
        case "CREATE" | "DROP" | "ALTER":
            return "CONCURRENTLY" in words
        case _:
            return False


def _leaves_something(words: Sequence[str]) -> bool:
    """Return whether a query changes rows, or calls what may."""
    for before, word in zip(("", *words), words, strict=False):
        # FOR UPDATE and FOR NO KEY UPDATE lock
        if word in _CHANGES and before not in {"FOR", "KEY"}:
            return True
        if word.endswith("("):
            name = word[:-1]
            if name in _COUNTING or not is_builtin(FunctionCall(None, name, 0)):
                return True
    return False


# What stands before a parenthesis without being a function.
_NOT_CALLED = frozenset(
    """
    all and any array as between bit by case cast char character coalesce collate cross cube
    current dec decimal distinct else end except except_table exists extract filter float for
    from full greatest group grouping having ilike in inner int intersect interval is isnull
    join json_array json_object json_table lateral least left like limit materialized natural
    normalize not notnull nullif numeric offset on only or order ordinality over overlaps
    overlay partition position returning right rollup row rows select set sets similar some
    substring table then time timestamp treat trim union unique using values varchar when
    where window with within xmlconcat xmlelement xmlexists xmlforest xmlparse xmlpi xmlroot
    xmlserialize xmltable
    """.split()  # noqa: SIM905 - a column of a hundred words would be no easier to read
)


def _split(sql: str) -> Iterator[list[str]]:
    """Yield the words of each statement, in capitals; a call as its lower-case name and `(`.

    Words of a body count as words of the statement.
    """
    words: list[str] = []
    last, end_of_last = "", -1
    is_alias = False
    for kind, start, end in lex(sql):
        text = sql[start:end]
        match kind:
            case "word" | "name":
                name = text.strip('"') if kind == "name" else text.lower()
                words.append(text.upper())
                last, end_of_last = name, end
                is_alias = len(words) > 1 and words[-2] in {"AS", "WITH", "RECURSIVE", "TABLE"}
                continue
            case "open" if text == "(" and last and last not in _NOT_CALLED and not is_alias:
                if not sql[end_of_last:start].strip():
                    words[-1] = f"{last}("
            case "semicolon":
                yield words
                words = []
            case "string" if text.startswith("$"):
                words.extend(word.upper() for word in _words_of_body(text))
        if kind not in {"comment", "block"}:
            last = ""
    if words:
        yield words


def _words_of_body(text: str) -> Iterator[str]:
    tag = text[: text.index("$", 1) + 1]
    body = text[len(tag) : -len(tag)]
    for kind, start, end in lex(body):
        if kind == "word":
            yield body[start:end]


def reads_rows(foreseen: Foreseen | None) -> bool:
    """Return whether a query may give rows of a table, and not of the catalog alone."""
    if foreseen is None:
        return True
    return any(
        not isinstance(event.action, NoTableAction) or bool(event.action.reads)
        for statement in foreseen.statements
        for event in statement.events
    ) or any(not statement.events for statement in foreseen.statements)
