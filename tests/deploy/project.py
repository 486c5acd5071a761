"""The project that the tests deploy."""

from pathlib import Path

from tests.deploy.manifests import ROOT

__all__ = ["BUSY", "write_project", "write_revision"]

# A table that is in use: who holds it decides how far a run comes.
BUSY = "pantry"


def write_project(folder: Path) -> Path:
    """Write a project: the first revision needs nobody, the second a lock on the table BUSY."""
    example, migrations = ROOT / "docs" / "example", folder / "migrations"
    (migrations / "versions").mkdir(parents=True)
    settings = (example / "alembic.ini").read_text(encoding="utf-8")
    at_the_top, below = "script_location = %(here)s\n", "script_location = %(here)s/migrations\n"
    assert at_the_top in settings
    settings = settings.replace(at_the_top, below)
    (folder / "alembic.ini").write_text(settings, encoding="utf-8")
    (migrations / "env.py").write_bytes((example / "env.py").read_bytes())
    write_revision(folder, "0001", None, "CREATE TABLE recipe (id bigint PRIMARY KEY)")
    write_revision(folder, "0002", "0001", f"ALTER TABLE {BUSY} ADD COLUMN note text")
    return folder


def write_revision(folder: Path, revision: str, after: str | None, statement: str) -> None:
    """Write a revision of one statement."""
    (folder / "migrations" / "versions" / f"{revision}_.py").write_text(
        f"from alembic import op\n\nrevision = {revision!r}\ndown_revision = {after!r}\n\n\n"
        f"def upgrade():\n    op.execute({statement!r})\n",
        encoding="utf-8",
    )
