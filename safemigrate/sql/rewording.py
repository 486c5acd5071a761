"""Words put into a statement, and everything else left as it was written."""

from safemigrate.errors import SqlSyntaxError
from safemigrate.sql.parser import Token, read_tokens

__all__ = ["add_at_end", "add_behind", "find_semicolon", "list_keywords"]


def add_behind(sql: str, keyword: str, words: str) -> str:
    """Return the statement with the words behind its first such keyword, or as it is.

    In lower case where the keyword is.
    """
    for token in _tokens(sql):
        text = sql[token.start : token.end]
        if text.upper() == keyword:
            return f"{sql[: token.end]} {_like(text, words)}{sql[token.end :]}"
    return sql


def add_at_end(sql: str, words: str) -> str:
    """Return the statement with the words at its end, before comments that follow it."""
    tokens = _tokens(sql)
    if not tokens:
        return sql
    first, end = sql[tokens[0].start : tokens[0].end], tokens[-1].end
    return f"{sql[:end]} {_like(first, words)}{sql[end:]}"


def list_keywords(sql: str) -> frozenset[str]:
    """Return the words of the statement in capitals, quoted names and strings left out."""
    texts = (sql[token.start : token.end] for token in _tokens(sql))
    return frozenset(text.upper() for text in texts if text.isidentifier())


def find_semicolon(text: str, offset: int) -> int | None:
    """Return the 0-based character offset of the semicolon that is the next token, or None."""
    for token in _tokens(text[offset:])[:1]:
        start = offset + token.start
        return start if text[start] == ";" else None
    return None


def _like(model: str, words: str) -> str:
    return words.lower() if model.islower() else words


def _tokens(sql: str) -> list[Token]:
    """Return the tokens before the first thing that is none."""
    try:
        return read_tokens(sql)
    except SqlSyntaxError as err:
        offset = err.offset
    try:
        return read_tokens(sql[:offset])
    except SqlSyntaxError:
        return []
