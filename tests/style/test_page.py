"""docs/style.md says what there is: its commands run, and its examples hold."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from sqlfluff.core import FluffConfig

from safemigrate.config import load_config
from safemigrate.model import Severity
from tests.style.conftest import ALEMBIC_INI, ENV_PY, Style, places

TEXT = (Path(__file__).parents[2] / "docs/style.md").read_text(encoding="utf-8")

FIRST = '''\
"""first"""

from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.execute(
        """
        UPDATE recipe
        SET name  = trim(name)
        WHERE id = 1
        """
    )


def downgrade():
    pass
'''


def list_blocks(language: str) -> list[str]:
    """Return the code blocks that are in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


LINT, UNREAD, PLUGIN = list_blocks("text")
COMMANDS = dict(re.findall(r"^<!-- run: (\w+) -->\n```console\n\$ (.*)\n```$", TEXT, re.MULTILINE))


@pytest.fixture
def project(here: Path) -> Path:
    """The project that the page is about."""
    files = {
        "alembic.ini": ALEMBIC_INI,
        "migrations/env.py": ENV_PY,
        "migrations/versions/0001_first.py": FIRST,
        "db/migrations/1_index.sql": "CREATE INDEX recipe_name ON recipe (name);\n",
    }
    for name, text in files.items():
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return here


def test_every_command_is_run_here() -> None:
    shown = re.findall(r"^\$ (.*)$", TEXT, re.MULTILINE)

    assert shown == ['pip install "safemigrate[style]"', *COMMANDS.values()]
    assert list(COMMANDS) == ["style", "plugin"]


@pytest.mark.parametrize(("name", "shown"), [("style", LINT), ("plugin", PLUGIN)])
def test_a_command_shows_what_the_page_shows(project: Path, name: str, shown: str) -> None:
    program, *arguments = shlex.split(COMMANDS[name])
    command = (sys.executable, "-m", program, *arguments)

    ran = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)

    assert shown in ran.stdout


def test_what_is_not_read_is_said_in_these_words(style_python: Style) -> None:
    unjudged = style_python('op.execute("SELECT %(x)s")').unjudged
    (entry,) = [one for one in unjudged if not one.hides_statements]

    said = f"not judged: migrations/versions/0002_second.py:10: {entry.reason}"
    assert said.replace("%(x)s", "…") == UNREAD.strip()


def test_the_comments_silence(style_sql: Style) -> None:
    (example,) = list_blocks("sql")

    assert places(style_sql(example)) == []
    assert places(style_sql(re.sub("--.*", "", example))) != []


def test_the_configuration_is_one(here: Path) -> None:
    (toml,) = list_blocks("toml")
    (ini,) = list_blocks("ini")
    (here / "pyproject.toml").write_text(toml, encoding="utf-8")
    (here / ".sqlfluff").write_text(ini, encoding="utf-8")

    (here / "schema.sql").touch()

    rules = load_config((here,)).rules
    assert rules.severities == {"style": Severity.WARNING}
    assert [one.choice.disabled for one in rules.per_path] == [{"style"}]
    # of what is made and not there, sqlfluff leaves the name as it is
    config = FluffConfig.from_path(str(here))
    assert config.get("schema_path", section="safemigrate") == str(here / "schema.sql")
