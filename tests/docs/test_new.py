"""docs/new.md shows what is written, and every command on it runs."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from safemigrate.cli.group import group
from safemigrate.server import Server

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "new.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]
MODELS = """\
import sqlalchemy as sa

metadata = sa.MetaData()
sa.Table("recipe", metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("name", sa.String(50), nullable=False),
    sa.Column("note", sa.Text),
    sa.Index("recipe_name_idx", "name"))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example, with models."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "docs" / "example", folder, ignore=shutil.ignore_patterns("__pycache__"))
    env_py = folder / "env.py"
    text = env_py.read_text(encoding="utf-8")
    given = text.replace("connection=connection", "connection=connection, target_metadata=metadata")
    assert given != text
    env_py.write_text(MODELS + given, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("SAFEMIGRATE_URL", raising=False)
    monkeypatch.delenv("ALEMBIC_CONFIG", raising=False)
    return folder


def run(line: str, *more: str) -> Result:
    program, *arguments = shlex.split(line)
    assert program == "safemigrate"
    return CliRunner().invoke(group, [*arguments, *more], prog_name="safemigrate")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_does_what_it_is_shown_for(line: str, embedded_server: Server) -> None:
    server = embedded_server.url("postgres")
    more = ("--server", server) if "--autogenerate" in line else ()

    result = run(line, *more)

    assert result.exit_code == 0, result.output
    assert "error[" not in result.stdout


def test_the_safe_way_is_as_shown(project: Path) -> None:
    (command,) = (line for line in COMMANDS if "--sql" in line)
    (shown,) = re.findall(r"<!-- output -->\n```text\n(.*?)```", TEXT, re.DOTALL)
    ((name, code),) = re.findall(r"<!-- file: (.*?) -->\n```python\n(.*?)```", TEXT, re.DOTALL)

    result = run(command)

    assert result.stdout == shown
    assert (project / name).read_text(encoding="utf-8").endswith(f"\n\n\n{code}")
