"""Other people's messages within sentences of ours."""

__all__ = ["as_clause"]


def as_clause(message: str) -> str:
    """Return it as it goes on behind a colon: in small letters, but for a word such as JSON."""
    return message if message[1:2].isupper() else message[:1].lower() + message[1:]
