"""The tutorial is run from its first command to its last, and shows what they print.

`SAFEMIGRATE_WRITE_DOCS=1 pytest tests/docs` writes what is printed anew; read the difference
before committing it.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from socket import gethostname

import pytest
from psycopg import sql

from safemigrate.server import Server
from safemigrate.trace import open_connection

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"

BLOCK = re.compile(
    r"(?:<!-- (?P<kind>file|exit code|database): (?P<what>[^\n]*) -->\n)?"
    r"```(?P<language>console|python|sh)\n(?P<text>.*?)```\n",
    re.DOTALL,
)
# What another run prints in another way, and what stands for it.
VARYING = (
    (r"\b[0-9a-f]{7,12}\b(?=[\] .`])", "commit"),
    (r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?UTC|Z|[+-]\d\d:?\d\d)?", "moment"),
    (r"\b\d+(?:\.\d+)? (?:ms|s|min|kB|KiB|MiB|MB|GB)\b", "amount"),
    (r"\b\d+ (?:seconds?|minutes?) ago\b", "ago"),
    (r"(?<=\S) {2,}", " "),
)
HOST = "pc"


def canonical(text: str) -> str:
    """Return the text with one word for each of what varies."""
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text)
    return text


class Shell:
    """The terminal of somebody who follows the page."""

    def __init__(self, home: Path, environment: Mapping[str, str], url: str) -> None:
        """`url`: of the database, which the page names in its own way."""
        self.folder = self._home = home
        self._environment = {**environment, "HOME": str(home)}
        self._url = url

    def name_database(self) -> None:
        """Let the commands that follow know the database."""
        self._environment["SAFEMIGRATE_URL"] = self._url

    def type(self, command: str) -> tuple[int, str]:
        """Run the command; return its exit code, and what it prints."""
        script = f'{command}\nstatus=$?\npwd > "$WHERE"\nexit $status\n'
        where = self._home.parent / "where"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env={**self._environment, "WHERE": str(where)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        self.folder = Path(where.read_text(encoding="utf-8").strip())
        output = done.stdout.replace(str(self._home), "/home/you")
        return done.returncode, re.sub(rf"\b{re.escape(gethostname())}\b", HOST, output)


@pytest.fixture
def shop(embedded_server: Server) -> Iterator[str]:
    """The URL of an empty database of that name."""
    name = embedded_server.create_database()
    rename(embedded_server, name, "shop")
    yield embedded_server.url("shop")
    rename(embedded_server, "shop", name)
    embedded_server.drop_database(name)


def rename(server: Server, name: str, other: str) -> None:
    with open_connection(server.url("postgres")) as connection:
        statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(other)))


@pytest.fixture
def shell(tmp_path: Path, shop: str) -> Shell:
    """One in an empty folder, with our command and pre-commit's on the path."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = You\n\temail = you@example.com\n[advice]\n\tdetachedHead = false\n",
        encoding="utf-8",
    )
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "GITHUB_", "CI", "PYTHON", "SAFEMIGRATE_"))
    }
    ours = {
        "LOGNAME": "you",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "PRE_COMMIT_COLOR": "never",
        "PRE_COMMIT_HOME": str(home / "pre-commit"),
        "SAFEMIGRATE_CACHE_DIR": str(home / "cache"),
        "TZ": "UTC",
        "COLUMNS": "100",
    }
    return Shell(home, {**kept, **ours}, shop)


def test_the_tutorial_shows_what_happens(shell: Shell) -> None:
    text = TUTORIAL.read_text(encoding="utf-8")

    def play(match: re.Match[str]) -> str:
        if match["kind"] == "file":
            path = shell.folder / match["what"]
            path.write_text(match["text"], encoding="utf-8")
        if match["kind"] == "database":
            shell.name_database()
        if match["language"] != "console":
            return match[0]
        code = int(match["what"]) if match["kind"] == "exit code" else 0
        head = match[0][: match.start("text") - match.start()]
        return f"{head}{run_block(shell, match['text'], code)}```\n"

    made = BLOCK.sub(play, text)
    if os.environ.get("SAFEMIGRATE_WRITE_DOCS") == "1":
        TUTORIAL.write_text(made, encoding="utf-8")
        text = made

    assert canonical(made) == canonical(text)
    report = json.loads((shell.folder / "findings.sarif").read_text(encoding="utf-8"))
    assert report["version"] == "2.1.0"


def run_block(shell: Shell, text: str, code: int) -> str:
    """Run the commands of a block, the last of which ends in `code`; return it with its output."""
    commands = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
    made: list[str] = []
    for number, command in enumerate(commands, start=1):
        ended, output = shell.type(command)
        expected = code if number == len(commands) else 0
        assert ended == expected, f"{command} ended in {ended}:\n{output}"
        shown = "".join(f"{line.rstrip()}\n" for line in output.splitlines())
        made.append(f"$ {command}\n{shown.rstrip()}".rstrip() + "\n")
    return "".join(made)
