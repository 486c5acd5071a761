"""Reading an Alembic project that may be broken."""

import os
from pathlib import Path

import pytest
from sqlalchemy import Engine

from safemigrate.errors import ConfigError, RevisionError, SafemigrateError
from safemigrate.source import open_project, record
from tests.source.conftest import ProjectFolder


def refusal(path: Path) -> SafemigrateError:
    with pytest.raises(SafemigrateError) as caught:
        open_project(path)
    return caught.value


def test_missing_configuration_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path / "alembic.ini")

    assert isinstance(error, ConfigError)
    assert "alembic.ini" in error.message
    assert "--config" in error.hint


def test_directory_is_no_configuration(tmp_path: Path) -> None:
    error = refusal(tmp_path)

    assert isinstance(error, ConfigError)
    assert "is a directory" in error.message


@pytest.mark.parametrize(
    "text",
    ["script_location = x\n", "[alembic]\na = 1\na = 2\n", "[alembic\n"],
    ids=["no section", "twice", "unclosed"],
)
def test_broken_ini_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "alembic.ini"
    path.write_text(text)

    error = refusal(path)

    assert isinstance(error, ConfigError)
    assert "not a valid ini file" in error.message
    assert "\n" not in error.message


def test_percent_sign_in_the_url_is_explained_without_showing_the_url(
    folder: ProjectFolder,
) -> None:
    folder.write_config("postgresql://u:se%cret@h/d")

    error = refusal(folder.config)

    assert isinstance(error, ConfigError)
    assert error.message == '"sqlalchemy.url" of "alembic.ini" cannot be read'
    assert error.hint == "a percent sign that stands for itself is written %%"


def test_url_made_of_what_the_environment_sets_later_is_read(folder: ProjectFolder) -> None:
    folder.write_config("postgresql://u:%(password)s@h/d")

    assert open_project(folder.config).notices == (
        'there are no revision files in "migrations/versions"',
    )


@pytest.mark.parametrize("text", ["", "[alembic]\n", "[alembic]\nscript_location =\n", "[other]\n"])
def test_unset_script_location_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "alembic.ini"
    path.write_text(text)

    error = refusal(path)

    assert isinstance(error, ConfigError)
    assert "does not say where the migrations are" in error.message
    assert "script_location" in error.hint


def test_a_section_that_alembic_finds_by_name_is_named(tmp_path: Path) -> None:
    path = tmp_path / "alembic.ini"
    path.write_text("[alembic]\n[billing]\nscript_location = %(here)s/migrations\n")

    error = refusal(path)

    assert "does not say where the migrations are" in error.message
    assert "its section [billing] does" in error.hint
    assert "--config" in error.hint


@pytest.mark.parametrize("location", ["%(here)s/nowhere", "no_such_module:migrations", "%(no)s/x"])
def test_script_location_that_is_not_there_is_named(tmp_path: Path, location: str) -> None:
    path = tmp_path / "alembic.ini"
    path.write_text(f"[alembic]\npath_separator = os\nscript_location = {location}\n")

    error = refusal(path)

    assert isinstance(error, ConfigError)
    assert error.hint


def test_configuration_that_is_not_utf8_is_named_with_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "alembic.ini"
    path.write_bytes(b"[alembic]\n# \xff\n")

    error = refusal(path)

    assert isinstance(error, ConfigError)
    assert "byte 13" in error.message


def test_pyproject_is_read_where_there_is_no_ini(folder: ProjectFolder) -> None:
    folder.config.unlink()
    (folder.root / "pyproject.toml").write_text(
        '[tool.alembic]\nscript_location = "%(here)s/migrations"\n'
    )
    folder.add("one", 'op.execute("SELECT 1 + 1")')

    for path in (folder.config, folder.root / "pyproject.toml"):
        history = record(open_project(path))
        assert [one.sql for one in history.migrations[0].upgrade] == ["SELECT 1 + 1"]
        assert history.notices == ()


def test_broken_pyproject_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[tool.alembic\n")

    error = refusal(path)

    assert isinstance(error, ConfigError)
    assert "not valid TOML" in error.message


def test_no_revisions_is_a_history_with_a_notice(folder: ProjectFolder) -> None:
    history = record(open_project(folder.config))

    assert history.migrations == ()
    assert history.is_complete
    assert history.notices == ('there are no revision files in "migrations/versions"',)


def test_several_heads_are_said(folder: ProjectFolder) -> None:
    folder.add("one", "pass")
    folder.add("left", "pass", down="one")
    folder.add("right", "pass", down="one")

    (notice,) = open_project(folder.config).notices

    assert notice.startswith('there are 2 heads, "left", "right": `alembic upgrade head`')


def test_heads_with_labels_are_meant(folder: ProjectFolder) -> None:
    for name in ("left", "right"):
        folder.add(name, "pass", down=None, labels=f"{name}-side")

    assert open_project(folder.config).notices == ()


def test_missing_versions_directory_is_a_history_with_a_notice(folder: ProjectFolder) -> None:
    folder.versions.rmdir()

    assert len(record(open_project(folder.config)).notices) == 1


def test_syntax_error_is_named_with_its_line(folder: ProjectFolder) -> None:
    folder.add("one", "pass")
    folder.add("two", "x = (1,\ny = 2 2")

    error = refusal(folder.config)

    assert isinstance(error, RevisionError)
    assert '"migrations/versions/two_.py"' in error.message
    assert "line 14" in error.message or "line 13" in error.message


def test_exception_while_loading_is_named_with_its_line(folder: ProjectFolder) -> None:
    folder.add("one", "pass", head="undefined_name\n\n\n")

    error = refusal(folder.config)

    assert isinstance(error, RevisionError)
    assert error.message == (
        'revision file "migrations/versions/one_.py:12" cannot be loaded: '
        "NameError: name 'undefined_name' is not defined"
    )


def test_exit_while_loading_is_an_error_of_the_revision(folder: ProjectFolder) -> None:
    folder.add("one", "pass", head="raise SystemExit(0)\n\n\n")

    assert isinstance(refusal(folder.config), RevisionError)


def test_missing_module_has_a_hint(folder: ProjectFolder) -> None:
    folder.add("one", "pass", head="import nowhere_to_be_found\n\n\n")

    error = refusal(folder.config)

    assert isinstance(error, RevisionError)
    assert "prepend_sys_path" in error.hint


def test_revision_that_is_not_utf8_is_named_with_the_byte(folder: ProjectFolder) -> None:
    path = folder.add("one", "pass")
    path.write_bytes(b"# \xe9\n" + path.read_bytes())

    error = refusal(folder.config)

    assert isinstance(error, RevisionError)
    assert error.message.endswith(
        '"migrations/versions/one_.py" is not UTF-8: byte 3 cannot be decoded'
    )


def test_declared_encoding_is_respected(folder: ProjectFolder) -> None:
    path = folder.add("one", "op.execute(\"SELECT 'é'\")")
    text = path.read_text(encoding="utf-8")
    path.write_bytes(("# -*- coding: latin-1 -*-\n" + text).encode("latin-1"))

    (migration,) = folder.record().migrations

    assert [one.sql for one in migration.upgrade] == ["SELECT 'é'"]
    assert "é" in migration.text


def test_revision_without_an_id_is_named(folder: ProjectFolder) -> None:
    (folder.versions / "notes.py").write_text("x = 1\n")

    error = refusal(folder.config)

    assert isinstance(error, RevisionError)
    assert "notes.py" in error.message
    assert "has no revision id" in error.message


def test_revision_without_down_revision_is_named(folder: ProjectFolder) -> None:
    (folder.versions / "one_.py").write_text("revision = 'one'\n")

    error = refusal(folder.config)

    assert isinstance(error, RevisionError)
    assert "does not say down_revision" in error.message


def test_two_files_with_one_id_are_both_named(folder: ProjectFolder) -> None:
    path = folder.add("one", "pass")
    (folder.versions / "copy_.py").write_text(path.read_text())

    error = refusal(folder.config)

    assert isinstance(error, RevisionError)
    assert "one_.py" in error.message
    assert "copy_.py" in error.message


def test_cycle_names_its_files(folder: ProjectFolder) -> None:
    folder.add("one", "pass", down="three")
    folder.add("two", "pass")
    folder.add("three", "pass")

    error = refusal(folder.config)

    assert isinstance(error, RevisionError)
    assert "cycle" in error.message
    for name in ("one_.py", "two_.py", "three_.py"):
        assert name in error.message


def test_revision_that_follows_itself_is_named(folder: ProjectFolder) -> None:
    folder.add("one", "pass", down="one")

    error = refusal(folder.config)

    assert isinstance(error, RevisionError)
    assert "one_.py" in error.message


def test_reserved_id_is_named(folder: ProjectFolder) -> None:
    folder.add("base", "pass")

    error = refusal(folder.config)

    assert isinstance(error, RevisionError)
    assert "base_.py" in error.message


@pytest.mark.parametrize("attribute", ["down_revision", "depends_on"])
def test_reference_to_nothing_is_named(folder: ProjectFolder, attribute: str) -> None:
    folder.add("one", "pass")
    if attribute == "down_revision":
        folder.add("two", "pass", down="gone")
    else:
        folder.add("two", "pass", depends_on="gone")

    error = refusal(folder.config)

    assert isinstance(error, RevisionError)
    assert error.message.startswith(f'"migrations/versions/two_.py" names {attribute} "gone"')


def test_branch_labels_may_be_depended_on(folder: ProjectFolder) -> None:
    folder.add("one", "pass", labels="first")
    folder.add("two", "pass", down=None, depends_on="first")

    assert [one.revision for one in open_project(folder.config).revisions()] == ["one", "two"]


def test_loading_leaves_engines_real_and_the_registry_as_it_was(folder: ProjectFolder) -> None:
    from sqlalchemy.dialects import registry  # noqa: PLC0415 - what is under test

    folder.write_module(
        "application.py",
        "from sqlalchemy import create_engine\n"
        "engine = create_engine('postgresql+psycopg://db.invalid/app')\n",
    )
    folder.add("one", "engine.connect()", head="from application import engine\n\n\n")
    impls, auto_fn = registry.impls, registry.auto_fn

    project = open_project(folder.config)
    (script,) = project.revisions()
    engine = script.module.engine
    assert isinstance(engine, Engine)
    dialect, pool = engine.dialect, engine.pool
    assert dialect.driver == "psycopg"
    (migration,) = record(project).migrations

    assert migration.unjudged == ()
    assert (engine.dialect, engine.pool) == (dialect, pool)
    assert registry.impls is impls
    assert registry.auto_fn is auto_fn


def test_files_of_editors_are_left_out(folder: ProjectFolder) -> None:
    path = folder.add("one", "pass")
    for name in (".#one_.py", "one_.py~", "__init__.py"):
        (folder.versions / name).write_text("not python (")
    os.utime(path)

    assert [one.revision for one in open_project(folder.config).revisions()] == ["one"]
