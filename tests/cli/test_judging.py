from pathlib import Path

from safemigrate.cli.judging import load_project_config
from safemigrate.model import ServerVersion
from tests.cli.conftest import ProjectFolder


def test_the_configuration_beside_alembic_ini_wins(folder: ProjectFolder) -> None:
    folder.write("safemigrate.toml", "pg-version = 14\n")
    folder.write("below/safemigrate.toml", "pg-version = 15\n")
    assert load_project_config(Path("below/alembic.ini")).pg_version == ServerVersion(15)
    assert load_project_config(Path("other/alembic.ini")).pg_version == ServerVersion(14)
