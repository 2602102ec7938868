"""Clients loaded by their names: a driver costs time and memory that only those pay who configured it."""

import importlib
from typing import Any


def load(module: str, name: str) -> Any:
    """Load what a module of this package calls `name`."""
    return getattr(importlib.import_module(f"responder.clients.{module}"), name)
