"""The workshop where forms are tried."""

from collections.abc import Iterator

import pytest

from tests.matrix.observing import Workshop
from tests.postgres.versions import ProofServers


@pytest.fixture(scope="session")
def workshop(proof_servers: ProofServers) -> Iterator[Workshop]:
    """One workshop for all forms and majors."""
    opened = Workshop(proof_servers)
    yield opened
    opened.close()
