"""Who deploys, and how long the application reads, in the table `verify`."""

from datetime import timedelta
from pathlib import Path

import pytest

from safemigrate.config import Deployer, load_config
from safemigrate.config.proving import VerifyChoices
from safemigrate.errors import ConfigError


def read(tmp_path: Path, lines: str) -> VerifyChoices:
    path = tmp_path / "safemigrate.toml"
    path.write_text(f"[verify]\n{lines}\n")
    return load_config((tmp_path,)).verify


def test_our_own_runner_deploys_where_nothing_is_said(tmp_path: Path) -> None:
    choices = read(tmp_path, "")

    assert choices.deployed_by is Deployer.SAFEMIGRATE
    assert choices.longest_read == timedelta(milliseconds=100)


def test_alembic_and_the_longest_read_can_be_named(tmp_path: Path) -> None:
    choices = read(tmp_path, 'deployed-by = "alembic"\nlongest-read-ms = 0')

    assert choices.deployed_by is Deployer.ALEMBIC
    assert choices.longest_read == timedelta(0)


@pytest.mark.parametrize("line", ['deployed-by = "flyway"', "longest-read-ms = -1"])
def test_another_deployer_or_less_than_no_time_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, line)

    assert line.partition(" ")[0] in str(caught.value)
