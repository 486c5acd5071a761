"""What a database is after some revisions, told by all that has made it."""

from collections.abc import Iterable, Mapping

from alembic.script import Script

from safemigrate.cache import InputKind, Inputs, digest

__all__ = ["follow_lineage", "list_contents"]


def list_contents(scripts: Iterable[Script], read: Inputs) -> Mapping[str, str]:
    """Return for each revision a digest of its file, as it was read.

    There is none of one whose file nobody has heard being read.
    """
    found = ((one, read.seen.get((InputKind.FILE, one.path), "")) for one in scripts)
    return {one.revision: digest(one.path, content) for one, content in found if content}


def follow_lineage(lineage: str, content: str) -> str:
    """Return a digest of a revision and of all that ran before it on the same database.

    `lineage`: that of the revision before, or what stands for the ground the first one began on.
    `content`: the revision's own. Where one of them is empty nobody knows, and it is empty too.
    """
    return digest(lineage, content) if lineage and content else ""
