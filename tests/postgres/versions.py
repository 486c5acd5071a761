"""The majors that facts are proved on, their servers, and the count of what was proved."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from safemigrate.errors import SafemigrateError
from safemigrate.model import NEWEST_VERSION, ServerVersion
from safemigrate.server import Server, open_server
from safemigrate.server.account import choose_account
from safemigrate.server.binaries import find_binaries

# How often what was proved in this session, by major.
PROVED: dict[str, Counter[int]] = {}


def proof_versions() -> list[int]:
    """Return the majors of $SAFEMIGRATE_PROOF_VERSIONS, else that of the installed server."""
    wanted = os.environ.get("SAFEMIGRATE_PROOF_VERSIONS", "").split()
    if wanted:
        return [int(major) for major in wanted]
    try:
        return [find_binaries(choose_account()).version.major]
    except SafemigrateError:
        return [NEWEST_VERSION.major]


def count(major: int, what: str, number: int = 1) -> None:
    """Note that something was proved; the table at the end of a run shows it."""
    PROVED.setdefault(what, Counter())[major] += number


def table_of_counts() -> list[str]:
    """Return the lines of a table of what was proved, a column a major; none for nothing."""
    if not PROVED:
        return []
    majors = sorted({major for numbers in PROVED.values() for major in numbers})
    width = max(map(len, PROVED))
    rows = [("proved on PostgreSQL", [str(major) for major in majors])]
    rows += [(what, [f"{PROVED[what][major]:,}" for major in majors]) for what in sorted(PROVED)]
    return [
        f"{what:{max(width, len(rows[0][0]))}}" + "".join(f"{number:>9}" for number in numbers)
        for what, numbers in rows
    ]


class ProofServers(Mapping[int, Server]):
    """Servers by major, each started when it is first asked for."""

    def __init__(self, there: Server) -> None:
        """`there`: a server that runs already and serves for its own major."""
        self._servers = {there.version.major: there}
        self._stack = ExitStack()

    def __getitem__(self, major: int) -> Server:
        if major not in self._servers:
            opening = open_server("embedded", version=ServerVersion(major))
            self._servers[major] = self._stack.enter_context(opening)
        return self._servers[major]

    def __iter__(self) -> Iterator[int]:
        return iter(proof_versions())

    def __len__(self) -> int:
        return len(proof_versions())

    def close(self) -> None:
        """Stop the servers that were started here."""
        self._stack.close()
