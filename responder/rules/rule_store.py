"""Holds the rules in use; takes new ones on SIGHUP or when the files change, and never a bad set for a good one."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from watchfiles import Change, awatch

from responder.errors import ConfigError
from responder.model.playbook import Playbook
from responder.plugins.registry import Registry
from responder.rules.loading import load
from responder.rules.pack_files import manifests
from responder.rules.packs import SUFFIXES, rule_files
from responder.rules.rulebook import Rulebook

LOOK_AGAIN = timedelta(seconds=5)
DEBOUNCE = timedelta(milliseconds=500)
"""Editors and `git checkout` write several files in a row."""
_BREATH = 0.01
"""Seconds between the preparations of two playbooks, for those who have work to do."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reload:
    """What became of one reload. `version` is of the rules now in use; `error` says why the new ones were refused."""

    version: str
    error: str = ""


class RuleStore:
    """
    The rules of the process.

    `current` is what is in use. `error` is "" when that is what the files say; else the text of what is wrong with
    them. `reloads` and `refusals` count since the start.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        registry: Registry,
        tell: Callable[[Reload], None] = lambda reload: None,
        prepare: Callable[[Playbook], None] = lambda playbook: None,
    ) -> None:
        """
        Load the rules.

        `tell` is called after each reload, `prepare` while watching with each playbook that came into use.

        Raises: RuleErrors.
        """
        self._paths = tuple(paths)
        self._registry = registry
        self._tell = tell
        self._prepare = prepare
        self._fresh = asyncio.Event()
        self._asked = asyncio.Event()
        self._state = self._seen()
        self.current: Rulebook = load(self._paths, registry)
        self.error = ""
        self.reloads = 0
        self.refusals = 0

    def reload(self) -> Reload:
        """Load the files again; when something is wrong with them, keep what is in use and say so."""
        try:
            fresh = load(self._paths, self._registry)
        except ConfigError as error:
            self.error = str(error)
            self.refusals += 1
            log.error("rules.refused", version=self.current.ruleset.version, why=self.error)
        else:
            self.current, self.error = fresh, ""
            self.reloads += 1
            log.info("rules.loaded", version=fresh.ruleset.version, rules=len(fresh.ruleset.rules))
        outcome = Reload(self.current.ruleset.version, self.error)
        self._tell(outcome)
        return outcome

    def listen(self) -> None:
        """Take SIGHUP from now on: one that comes before `watch` runs neither ends the process nor is forgotten."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._asked.set)

    async def watch(self, stop: asyncio.Event) -> None:
        """Reload on SIGHUP and when files change, also since they were loaded, until told to stop."""
        loop = asyncio.get_running_loop()
        self.listen()
        doings = (self._prepare_all(), self._on_signal(), self._on_change(stop))
        tasks = [asyncio.create_task(doing) for doing in doings]
        try:
            await stop.wait()
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _on_signal(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self._take_new()

    async def _on_change(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            now = self._seen()
            if now != self._state:
                self._state = now
                await self._take_new()
            await self._changed(stop)

    async def _take_new(self) -> None:
        await asyncio.to_thread(self.reload)
        self._fresh.set()

    async def _prepare_all(self) -> None:
        """Prepare one playbook at a time, so that nobody waits for all of them."""
        while True:
            self._fresh.clear()
            for playbook in self.current.ruleset.playbooks.values():
                self._prepare(playbook)
                await asyncio.sleep(_BREATH)
            await self._fresh.wait()

    async def _changed(self, stop: asyncio.Event) -> None:
        """
        Wait for one change, or a while: one may have come just before.

        Folders are looked for anew each time, as a pack may be a new one.
        """
        folders = [folder for folder in self._folders() if folder.is_dir()]
        async for _ in awatch(
            *folders,
            watch_filter=_concerns,
            debounce=DEBOUNCE // timedelta(milliseconds=1),
            stop_event=stop,
            recursive=False,
            rust_timeout=LOOK_AGAIN // timedelta(milliseconds=1),
            yield_on_timeout=True,
        ):
            return

    def _folders(self) -> set[Path]:
        found: set[Path] = set()
        for path in self._paths:
            if path.is_dir():
                found |= {path, *(below for below in path.iterdir() if below.is_dir() and below.name[0] != ".")}
            else:
                found.add(path.parent)
        return found

    def _seen(self) -> tuple[tuple[str, int, int, int], ...]:
        """Return what tells one state of the files from another."""
        files = (*(path for path, _ in rule_files(self._paths)), *manifests(self._paths))
        states = ((str(path), path.stat()) for path in files if path.exists())
        return tuple((name, state.st_ino, state.st_mtime_ns, state.st_size) for name, state in states)


def _concerns(change: Change, path: str) -> bool:
    """Pass over what is no rule file: a database in the same folder writes all the time."""
    changed = Path(path)
    return changed.suffix in SUFFIXES or changed.name.startswith("..") or not changed.suffix
