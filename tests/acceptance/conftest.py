"""Both databases, one after the other."""

import pytest


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """Return the address of an empty database of the test's own."""
    if request.param == "sqlite":
        return "sqlite:///responder.db"
    return str(request.getfixturevalue("postgres_database"))
