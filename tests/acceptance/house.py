"""A deployment's own rules for these tests, and how to wait for what people see."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import yaml

T = TypeVar("T")

WITHIN = 30.0
"""Seconds until a test gives up; nothing here is about how fast it is."""

RULES = {
    "teams": {"default": {"receivers": {"incidents": {"slack": {"channel": "#incidents"}}}}},
    "severities": [
        {"name": "P1", "aliases": ["critical", "high"], "notify": ["incidents"]},
        {"name": "P2", "aliases": ["warning", "medium"], "notify": ["incidents"]},
        {"name": "P3", "aliases": ["info", "low", "none"], "notify": []},
    ],
}


def write_rules(folder: Path, **more: object) -> Path:
    """Write the deployment's file; `more` are further sections of it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "deployment.yaml"
    path.write_text(yaml.safe_dump({**RULES, **more}, sort_keys=False))
    return path


async def until(look: Callable[[], T]) -> T:
    """Look again and again until there is something, and return it."""
    async with asyncio.timeout(WITHIN):
        while not (found := look()):
            await asyncio.sleep(0.02)
    return found
