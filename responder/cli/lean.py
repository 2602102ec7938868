"""Leaves out what a library brings along, takes memory and time at the start, and is never used by the server."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(package: str) -> Iterator[None]:
    """Let what is imported inside not find an optional package, unless that is there already."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # this is how Python is told that there is none
    try:
        yield
    finally:
        del sys.modules[package]
