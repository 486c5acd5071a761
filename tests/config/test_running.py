"""What a project says about how its migrations are run."""

from datetime import timedelta

import pytest

from safemigrate.config import RunChoices
from safemigrate.config.running import read_run_choices
from safemigrate.errors import ConfigError


def read(**table: object) -> RunChoices:
    keys = {name.replace("_", "-"): value for name, value in table.items()}
    return read_run_choices(keys, "pyproject.toml", "tool.safemigrate.run.")


def test_nothing_said_is_nothing_chosen() -> None:
    assert read() == RunChoices()


def test_every_key_is_read_with_its_unit() -> None:
    assert read(
        stall_budget_ms=1500,
        when_busy="terminate",
        expendable_roles=["reporting"],
        expendable_applications=["nightly-report"],
        production=True,
        max_replica_lag_s=2.5,
        before=["./before"],
        after=["./after"],
    ) == RunChoices(
        stall_budget=timedelta(seconds=1.5),
        when_busy="terminate",
        expendable_roles=("reporting",),
        expendable_applications=("nightly-report",),
        is_production=True,
        most_replica_lag=timedelta(seconds=2.5),
        before=("./before",),
        after=("./after",),
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("stall_budget_ms", 0),
        ("stall_budget_ms", "1s"),
        ("when_busy", "kill"),
        ("expendable_roles", "reporting"),
        ("expendable_applications", [""]),
        ("max_replica_lag_s", -1),
    ],
)
def test_a_value_that_means_nothing_is_refused_by_its_name(key: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        read(**{key: value})
    assert f"tool.safemigrate.run.{key.replace('_', '-')}" in caught.value.message
    assert caught.value.hint
