"""How volatile the functions of each PostgreSQL are, out of pg_proc of each major.

    python -m tests.postgres.functions

writes safemigrate/facts/builtin_functions.txt anew, from servers of all supported majors.
"""

import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from textwrap import wrap

from safemigrate.facts import volatility
from safemigrate.model import NEWEST_VERSION, OLDEST_VERSION, ServerVersion
from safemigrate.server import open_server
from safemigrate.trace import Connection, open_connection

LISTED = Path(volatility.__file__).with_name("builtin_functions.txt")
MAJORS = range(OLDEST_VERSION.major, NEWEST_VERSION.major + 1)
HEAD = """\
# Volatility of the functions of pg_catalog, as pg_proc of each major has it: i immutable, s stable,
# v volatile; of several functions with one name, the most volatile. A line is the letter, the
# majors it holds for, and the names. Written by tests/postgres/functions.py.
"""
# In the order of the letters, v comes last. AT TIME ZONE of a time of day is left out: 14 declares
# that alone VOLATILE, and would make AT TIME ZONE of a timestamp look so too.
QUERY = b"""
SELECT proname::text, max(provolatile::text COLLATE "C") FROM pg_catalog.pg_proc
 WHERE pronamespace = 'pg_catalog'::pg_catalog.regnamespace
   AND oid <> 'pg_catalog.timezone(text, timetz)'::pg_catalog.regprocedure
 GROUP BY proname
"""


def read_functions(connection: Connection) -> dict[str, str]:
    """Return the letter of every function's name."""
    return dict(connection.execute(QUERY).fetchall())


def write_text(majors: Mapping[int, Mapping[str, str]]) -> str:
    """Return the text of the list: the names by letter and by the majors it holds for."""
    spans: dict[tuple[str, int, int], list[str]] = {}
    for name in sorted({name for functions in majors.values() for name in functions}):
        for span in _spans(name, majors):
            spans.setdefault(span, []).append(name)
    lines = [
        f"{letter} {first}-{last} {names}"
        for (letter, first, last), found in sorted(spans.items())
        for names in wrap(" ".join(found), 91, break_long_words=False)
    ]
    return HEAD + "".join(f"{line}\n" for line in lines)


def _spans(name: str, majors: Mapping[int, Mapping[str, str]]) -> Iterator[tuple[str, int, int]]:
    """Yield the letters of a name, each with the first and last major it holds for."""
    for letter, group in groupby(sorted(majors), lambda major: majors[major].get(name)):
        if letter is not None:
            first, *others = group
            yield letter, first, (others or [first])[-1]


def main() -> None:
    """Write the list."""
    found = {}
    for major in MAJORS:
        with (
            open_server("embedded", version=ServerVersion(major)) as server,
            open_connection(server.url("postgres")) as connection,
        ):
            found[major] = read_functions(connection)
    LISTED.write_text(write_text(found), encoding="utf-8")
    names = {name for functions in found.values() for name in functions}
    sys.stdout.write(f"{LISTED}: {len(names)} names\n")


if __name__ == "__main__":
    main()
