"""The configuration of an Alembic project, read so that what is wrong with it is told."""

import configparser
import tomllib
from pathlib import Path

from alembic.config import Config
from alembic.util import CommandError

from safemigrate.errors import ConfigError
from safemigrate.source.excerpt import describe, show_path
from safemigrate.source.folders import has_alembic_table, list_configs_below
from safemigrate.source.text import read_text

__all__ = ["bad_option", "check_url_option", "read_config"]


def read_config(path: Path) -> Config:
    """Return the configuration; raises ConfigError that says what is wrong with the file."""
    toml_path = path if path.suffix == ".toml" else path.parent / "pyproject.toml"
    has_toml = toml_path.is_file()
    if path.suffix != ".toml" and not path.is_file():
        if path.is_dir():
            raise ConfigError(
                f'"{path}" is a directory, not an Alembic configuration',
                "give the file itself, for example --config alembic.ini",
            )
        if path.name != "alembic.ini" or not (has_toml and has_alembic_table(toml_path)):
            raise _missing(path)
        config = Config(toml_file=toml_path)
    elif path.suffix == ".toml":
        if not has_toml:
            raise _missing(path)
        config = Config(toml_file=path)
    else:
        config = Config(file_=path, toml_file=toml_path if has_toml else None)
    read_text(path if path.is_file() else toml_path, error=ConfigError)
    try:
        # both are read lazily; do it here, where the errors can be told apart
        _ = config.file_config, config.toml_alembic_config
    except configparser.Error as error:
        raise ConfigError(
            f'"{path}" is not a valid ini file: {describe(error)}',
            "compare it with the file that `alembic init` writes",
        ) from error
    except (tomllib.TOMLDecodeError, CommandError) as error:
        raise ConfigError(f'"{toml_path}" is not valid TOML: {describe(error)}') from error
    except OSError as error:
        raise ConfigError(f'"{path}" cannot be read: {error.strerror}') from error
    return config


def check_url_option(path: Path, config: Config) -> None:
    """Raise ConfigError for a URL that cannot be read; no error of env.py must show a part of it.

    It may name an option that env.py sets before it reads it.
    """
    try:
        _ = config.file_config.get(config.config_ini_section, "sqlalchemy.url", fallback=None)
    except configparser.InterpolationMissingOptionError:
        return
    except configparser.InterpolationError as error:
        raise bad_option(path, error) from None


def bad_option(path: Path, error: configparser.InterpolationError) -> ConfigError:
    """Return the error that names the option, and shows nothing of its value."""
    return ConfigError(
        f'"{error.option}" of "{show_path(path)}" cannot be read',
        "a percent sign that stands for itself is written %%",
    )


def _missing(path: Path) -> ConfigError:
    hint = "run this in the directory that holds alembic.ini, or name it with --config"
    below = list_configs_below(path) if path == Path(path.name) else ()
    if below:
        named = " or ".join(f"--config {one}" for one in below)
        hint = f"there is one in a folder below: give {named}"
    return ConfigError(f'there is no Alembic configuration "{path}"', hint)
