"""An Alembic project in a folder of its own, made revision by revision."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from safemigrate.config import VerifyChoices
from safemigrate.model import Check, HistoryProof, Property, RevisionProof
from safemigrate.server import Server
from safemigrate.source import open_project
from safemigrate.verify import verify_history

ENV = """
import sqlalchemy as sa
from alembic import context

engine = sa.create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=sa.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection{options})
    with context.begin_transaction():
        context.run_migrations()
"""

REVISION = '''"""{message}"""
from alembic import op
import sqlalchemy as sa

revision = {revision!r}
down_revision = {down!r}
depends_on = {depends_on!r}


def upgrade():
{upgrade}
'''

DOWNGRADE = """

def downgrade():
{downgrade}
"""


@dataclass
class Scaffold:
    """Writes an Alembic project; `config` is its alembic.ini."""

    folder: Path
    server: Server
    last: str | None = None

    @property
    def config(self) -> Path:
        return self.folder / "alembic.ini"

    def write(self, env: str = ENV.format(options="")) -> None:
        """Write everything but the revisions."""
        (self.folder / "migrations" / "versions").mkdir(parents=True)
        self.config.write_text("[alembic]\nscript_location = %(here)s/migrations\n")
        (self.folder / "migrations" / "env.py").write_text(env)

    def add(
        self,
        revision: str,
        upgrade: str,
        downgrade: str | None,
        *,
        down: str | tuple[str, ...] | None = "",
        depends_on: str | None = None,
    ) -> None:
        """Write a revision that follows the last one, or `down`; a line of SQL or Python code.

        A `downgrade` of None leaves the function out.
        """
        text = REVISION.format(
            message=f"Do {revision}",
            revision=revision,
            down=self.last if down == "" else down,
            depends_on=depends_on,
            upgrade=_body(upgrade),
        )
        if downgrade is not None:
            text += DOWNGRADE.format(downgrade=_body(downgrade))
        self.path(revision).write_text(text)
        self.last = revision

    def path(self, revision: str) -> Path:
        return self.folder / "migrations" / "versions" / f"{revision}.py"

    def verify(self, *names: str, **choices: Any) -> HistoryProof:
        """Prove the history; `choices`: those of VerifyChoices."""
        return verify_history(
            open_project(self.config),
            self.server,
            names=names,
            choices=VerifyChoices(**choices),
        )

    def check(self, subject: Property, revision: str | None = None, **choices: Any) -> Check:
        """Return how that property of the last revision, or of the history, stands.

        Nothing else is proved.
        """
        names = [] if subject.is_of_history else [revision or str(self.last)]
        proof = self.verify(*names, **{"selected": (subject.value,), **choices})
        checks = proof.checks if subject.is_of_history else proof.revisions[-1].checks
        return next(check for check in checks if check.subject is subject)

    def broken(self, **choices: Any) -> set[Property]:
        """Return every property that is broken, of the history or of one of its revisions."""
        proof = self.verify(**choices)
        checks = [*proof.checks, *(check for one in proof.revisions for check in one.checks)]
        return {check.subject for check in checks if check.is_broken}

    def prove(self, revision: str) -> RevisionProof:
        """Prove the whole history and return the proof of one revision."""
        found = [proof for proof in self.verify().revisions if proof.revision == revision]
        return found[0]


def _body(code: str) -> str:
    """Indent Python code; what does not look like it is SQL to be executed."""
    lines = textwrap.dedent(code).strip()
    if not lines.startswith(("op.", "with ", "raise ", "pass", "bind", "for ", "import ")):
        lines = "\n".join(f"op.execute({line.strip()!r})" for line in lines.splitlines())
    return textwrap.indent(lines, "    ")


@pytest.fixture
def scaffold(tmp_path: Path, embedded_server: Server) -> Scaffold:
    """An Alembic project without revisions."""
    scaffold = Scaffold(tmp_path, embedded_server)
    scaffold.write()
    return scaffold


@pytest.fixture(params=["embedded", pytest.param("container", marks=pytest.mark.docker)])
def anywhere(tmp_path: Path, request: pytest.FixtureRequest) -> Scaffold:
    """An Alembic project without revisions, to be proved on each kind of server."""
    server: Server = request.getfixturevalue(f"{request.param}_server")
    scaffold = Scaffold(tmp_path, server)
    scaffold.write()
    return scaffold


@pytest.fixture
def scaffold_with_env(tmp_path: Path, embedded_server: Server) -> Callable[[str], Scaffold]:
    """Makes an Alembic project with an env.py of its own."""

    def make(env: str) -> Scaffold:
        scaffold = Scaffold(tmp_path, embedded_server)
        scaffold.write(env)
        return scaffold

    return make
