"""Which database the migrations are for, as the project says it."""

import shutil

import pytest
from alembic import command
from alembic.config import Config

from safemigrate.errors import NotPostgresError
from safemigrate.source import open_project, record
from tests.source.conftest import ENV, ProjectFolder


@pytest.mark.parametrize("is_lenient", [True, False])
@pytest.mark.parametrize("way", ["configured", "made"])
@pytest.mark.parametrize(
    "url",
    [
        "mysql+no_such_driver://me@db.invalid/app",
        "oracle+no_such_driver://me@db.invalid/app",
        "no_such_kind://me@db.invalid/app",
    ],
)
def test_other_kind_of_database_that_the_environment_names_is_refused(
    folder: ProjectFolder, monkeypatch: pytest.MonkeyPatch, url: str, way: str, *, is_lenient: bool
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    folder.write_env(
        {
            "configured": "import os\nfrom alembic import context\n"
            'context.config.set_main_option("sqlalchemy.url", os.environ["DATABASE_URL"])\n' + ENV,
            "made": "import os\nfrom alembic import context\nfrom sqlalchemy import create_engine\n"
            'with create_engine(os.environ["DATABASE_URL"]).connect() as connection:\n'
            "    context.configure(connection=connection)\n"
            "    context.run_migrations()\n",
        }[way]
    )
    folder.add("one", "op.execute('SELECT 1')")

    with pytest.raises(NotPostgresError) as caught:
        record(open_project(folder.config, is_lenient=is_lenient))

    assert f'"{url.partition(":")[0].partition("+")[0]}"' in caught.value.message


def test_retired_name_of_postgres_is_no_other_kind_of_database(folder: ProjectFolder) -> None:
    folder.write_env('import sqlalchemy\nsqlalchemy.create_engine("postgres://db.invalid/app")\n')
    folder.add("one", "op.execute('SELECT 1')")

    history = record(open_project(folder.config, is_lenient=True))

    assert [one.sql for one in history.migrations[0].upgrade] == ["SELECT 1"]


def test_several_databases_as_their_template_writes_them_are_recorded(
    folder: ProjectFolder,
) -> None:
    shutil.rmtree(folder.root / "migrations")
    folder.config.unlink()
    command.init(Config(folder.config), str(folder.root / "migrations"), template="multidb")
    command.revision(Config(folder.config), rev_id="one")
    (path,) = folder.versions.glob("one_*.py")
    text = path.read_text("utf-8")
    for name in ("engine1", "engine2"):
        line = f"def upgrade_{name}() -> None:\n"
        assert line in text
        text = text.replace(line, f"{line}    op.execute('SELECT {name}')\n")
    path.write_text(text, encoding="utf-8")

    history = record(open_project(folder.config, is_lenient=True))

    assert history.notices == ()
    assert [
        [one.sql for one in each.migrations[0].upgrade] for each in (history, *history.further)
    ] == [["SELECT engine1"], ["SELECT engine2"]]
    assert folder.config.read_text("utf-8").count("driver://") == 2
