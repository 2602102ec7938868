"""Where the figures are measured: folders, databases, the rules of a deployment, how long each load runs."""

import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks.disk import fdatasync_p50
from tests.benchmarks.table import Row
from tests.servers.postgres import Postgres

SHIPPED = Path(__file__).parents[2] / "rules"

_LEVELS = [
    {"name": "P1", "aliases": ["critical", "high", "error"], "notify": ["incidents"]},
    {"name": "P2", "aliases": ["warning", "medium"], "notify": ["incidents"]},
    {"name": "P3", "aliases": ["info", "low", "none"], "notify": []},
]
_DEFAULT = {"receivers": {"incidents": {"slack": {"channel": "#incidents"}}, "security": {"console": {}}}}
_RULE = {
    "name": "bench",
    "match": ['alertname="BenchAlert"'],
    "correlate_by": ["namespace", "container"],
    "severity": {"label": "severity", "otherwise": "warning"},
    "playbook": "bench",
}


@dataclass
class Place:
    """One run of the benchmarks. `quick` asks for short loads."""

    root: Path
    start_postgres: Callable[[], Postgres]
    quick: bool = False
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _postgres: Postgres | None = None

    def folder(self) -> Path:
        """Make a new folder."""
        made = self.root / f"run-{next(self._numbers)}"
        made.mkdir()
        return made

    def database(self, kind: str) -> dict[str, str]:
        """Make an empty database, SQLite or Postgres; returns the settings that name it."""
        if kind == "sqlite":
            return {}
        self._postgres = self._postgres or self.start_postgres()
        return {"database_url": self._postgres.create(f"bench_{next(self._numbers)}")}

    def rules(
        self, *, teams: dict[str, Any] | None = None, diagnose: dict[str, Any] | None = None, severity: str = ""
    ) -> dict[str, list[str]]:
        """Write a deployment's rules behind the shipped packs; returns the settings that name them all."""
        path = self.folder() / "deployment.yaml"
        rule = {**_RULE, **({"severity": severity} if severity else {})}
        playbook = {"title": "Errors in ${labels.namespace}", **({"diagnose": diagnose} if diagnose else {})}
        deployment = {
            "teams": {**(teams or {}), "default": _DEFAULT},
            "severities": _LEVELS,
            "rules": [rule],
            "playbooks": {"bench": playbook},
        }
        path.write_text(yaml.safe_dump(deployment, sort_keys=False))
        return {"rules": [*(str(pack) for pack in sorted(SHIPPED.iterdir()) if pack.is_dir()), str(path)]}

    def disk(self) -> float:
        """Measure the disk that the stores are on, in milliseconds."""
        return fdatasync_p50(self.root)

    def seconds(self, long: float) -> float:
        """Say how long a load runs."""
        return min(long, 2.0) if self.quick else long

    def times(self, many: int) -> int:
        """Say how often something is repeated."""
        return max(3, many // 4) if self.quick else many


Measure = Callable[[Place], AsyncIterator[Row]]
"""Measures some figures."""
