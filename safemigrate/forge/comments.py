"""The one comment of a project on a pull request, written and kept up to date."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Protocol
from urllib.parse import quote

from safemigrate.errors import ForgeError

__all__ = ["Comment", "Conversation", "Written", "make_mark", "put_comment"]


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment that was written by who we are."""

    id: int
    body: str


class Conversation(Protocol):
    """The comments of a pull request; each method raises ForgeError."""

    @property
    def limit(self) -> int:
        """How many characters a comment may have."""

    @property
    def head(self) -> str:
        """The commit that the comment is about, empty where that is not known."""

    def find_head(self) -> str:
        """Return the commit that the request has as its last one by now."""

    def list_own(self) -> Iterator[Comment]:
        """Yield the comments that are ours to change, the oldest first."""

    def create(self, body: str) -> None:
        """Write a further comment."""

    def update(self, comment: Comment, body: str) -> None:
        """Write another text into a comment."""

    def delete(self, comment: Comment) -> None:
        """Take a comment away."""


class Written(Enum):
    """What became of a comment."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    NOT_NEEDED = "not needed"
    OUTDATED = "left to the job of a newer commit"


def make_mark(project: str) -> str:
    """Return the comment of HTML by which the comment of a project is found again.

    `project`: the path of its configuration, relative to the top of the repository.
    """
    # as the bytes of the file system: a path may be no UTF-8
    return f"<!-- safemigrate pull-request: {quote(os.fsencode(project), safe='/._')} -->"


def put_comment(
    conversation: Conversation, body: str, *, mark: str, is_needed: bool = True
) -> Written:
    """Write the comment that begins with `mark`, into the one that does already if there is one.

    `is_needed`: write it where there is none, too. Where two jobs at once have written one each,
    the oldest is kept. A job that another push has overtaken writes nothing.
    """
    own = [*_list(conversation, mark)]
    if not own and not is_needed:
        return Written.NOT_NEEDED
    if _is_overtaken(conversation):
        return Written.OUTDATED
    if not own:
        return _create(conversation, body, mark)
    kept, *others = own
    is_same = _normalise(kept.body) == _normalise(body)
    if not is_same:
        conversation.update(kept, body)
    for other in others:
        # another job may have been quicker; what is still there the next run takes away
        with suppress(ForgeError):
            conversation.delete(other)
    return Written.UNCHANGED if is_same and not others else Written.UPDATED


def _is_overtaken(conversation: Conversation) -> bool:
    """Return whether another commit is the last one by now, as far as that is to be had."""
    try:
        newest = conversation.find_head()
    except ForgeError:
        # a token that may comment need not be one that may read requests
        return False
    return bool(newest and conversation.head) and newest != conversation.head


def _create(conversation: Conversation, body: str, mark: str) -> Written:
    """Write a comment, once: what failed on the way back may have been done."""
    try:
        conversation.create(body)
    except ForgeError as error:
        if error.status is not None and error.status < 500:  # noqa: PLR2004 - the server's own faults
            raise
        own = next(_list(conversation, mark), None)
        if own is None:
            conversation.create(body)
        elif _normalise(own.body) != _normalise(body):
            conversation.update(own, body)
    return Written.CREATED


def _list(conversation: Conversation, mark: str) -> Iterator[Comment]:
    return (one for one in conversation.list_own() if one.body.startswith(mark))


def _normalise(body: str) -> str:
    """Return the text as forges keep it."""
    return body.replace("\r\n", "\n").strip()
