"""`pytest tests/simulation --seed N` tells one story, and prints it step by step when a law is broken."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take a seed."""
    parser.addoption("--seed", type=int, default=None, help="of the one story to tell (tests/simulation)")
