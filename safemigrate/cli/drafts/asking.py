"""What a command line says about a revision, as it can stand in code."""

import re

from safemigrate.errors import UsageError

__all__ = ["read_id", "read_message", "read_reason"]

_ID = re.compile(r"\w[\w.]*")


def read_message(given: str | None) -> str:
    """Return the message in one line; raises UsageError where a docstring cannot hold it."""
    message = " ".join((given or "").split())
    if not message:
        raise UsageError(
            "a revision needs a message", 'say what it does: safemigrate new "add email to users"'
        )
    if '"""' in message or "\\" in message or message.endswith('"'):
        raise UsageError(
            "the message stands in the revision's docstring, which this one would end",
            "leave backslashes out, and quotes at its end",
        )
    return message


def read_reason(given: str | None) -> str | None:
    """Return the reason in one line, as a comment holds it; raises UsageError for a blank one."""
    if given is None:
        return None
    reason = " ".join(given.split())
    if not reason:
        raise UsageError(
            "--reason is empty", "say why it may be done now, such as the release that allows it"
        )
    return reason


def read_id(given: str | None) -> tuple[str, ...]:
    """Return the ids that are given; raises UsageError for what is none."""
    if given is None:
        return ()
    if _ID.fullmatch(given) is None:
        raise UsageError(
            f'"{given}" is no id of a revision', "use letters, digits, underscores and dots"
        )
    return (given,)
