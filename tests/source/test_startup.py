"""Settings that env.py gives to the driver hold for the migrations."""

from collections.abc import Mapping

import pytest

from safemigrate.source.startup import list_startup_settings
from tests.source.conftest import ASYNC_ENV, ENV, ProjectFolder


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, []),
        ({"options": "-c lock_timeout=5s"}, ["SET lock_timeout TO '5s'"]),
        (
            {"options": "-csearch_path=app,public --statement-timeout=1000"},
            ["SET search_path TO app,public", "SET statement_timeout TO '1000'"],
        ),
        ({"options": r"-c app.note=it\ is\'s"}, ["SET app.note TO 'it is''s'"]),
        (
            {"server_settings": {"search_path": "app", "jit": "off"}},
            [
                "SET search_path TO app",
                "SET jit TO 'off'",
            ],
        ),
        ({"options": None, "server_settings": None}, []),
        ({"server_settings": {"x; DROP TABLE t": "1"}}, []),
    ],
    ids=str,
)
def test_arguments_are_settings(arguments: Mapping[str, object], expected: list[str]) -> None:
    assert list(list_startup_settings(arguments)) == expected


@pytest.mark.parametrize(
    "made", ["connect_args={'options': '-c search_path=app -c lock_timeout=4s'}", "pool_size=2"]
)
def test_arguments_of_the_environment_s_engine_are_its_setup(
    folder: ProjectFolder, made: str
) -> None:
    folder.write_config("postgresql+psycopg2://db.invalid/app?options=-clock_timeout%%3D3s")
    folder.write_env(ENV.replace("poolclass=pool.NullPool", made))
    folder.add("one", "op.execute('CREATE TABLE t (a int)')")

    sent = [one.sql for one in folder.record().setup]

    given = ["SET search_path TO app", "SET lock_timeout TO '4s'"]
    assert sent == (given if "options" in made else ["SET lock_timeout TO '3s'"])


def test_server_settings_of_asyncpg_are_its_setup(folder: ProjectFolder) -> None:
    folder.write_config("postgresql+asyncpg://db.invalid/app")
    settings = "connect_args={'server_settings': {'lock_timeout': '2s'}}"
    folder.write_env(ASYNC_ENV.replace("poolclass=pool.NullPool", settings))
    folder.add("one", "pass")

    assert [one.sql for one in folder.record().setup] == ["SET lock_timeout TO '2s'"]


def test_creator_of_the_project_is_not_called(folder: ProjectFolder) -> None:
    folder.write_env(ENV.replace("poolclass=pool.NullPool", "creator=lambda: 1 / 0"))
    folder.add("one", "op.execute('SELECT 2')")

    assert [one.sql for one in folder.record().migrations[0].upgrade] == ["SELECT 2"]
