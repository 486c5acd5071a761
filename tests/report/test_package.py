"""What is imported when it is asked for is there as everything else."""

import pytest

import safemigrate.report as package


def test_every_name_of_the_package_is_there() -> None:
    assert all(hasattr(package, name) for name in package.__all__)


def test_no_other_name_is_there() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = package.no_such_name
