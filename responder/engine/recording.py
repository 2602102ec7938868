"""
Recordings: deliveries as they came and what diagnostics found then, in files that people can read and write.

A recording is a folder with `recording.yaml`, or a single delivery (`*.json`), or a folder of deliveries, which are
played in the order of their names.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from responder.engine.recording_actions import Acts, RecordedAction, RecordedAnswer, RecordedRequest
from responder.engine.recording_readings import Recorded, Span, at_that_time
from responder.errors import ConfigError
from responder.model.redaction import redact_json

FILE = "recording.yaml"
NO_ACTS = Acts()
_SPACING = timedelta(seconds=10)
"""Between deliveries of a folder that says nothing of their times."""


class Played(BaseModel):
    """One delivery: when, counted from the start, and the file with its body."""

    model_config = ConfigDict(extra="forbid")

    at: Span
    body: str = Field(description="File with the request body, beside the recording.")
    ended: Span | None = Field(None, description="When its resolved alerts ended, instead of what the body says.")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    about: str = ""
    start: datetime | None = None
    deliveries: list[Played]
    diagnostics: dict[str, list[Recorded]] = {}
    actions: dict[str, RecordedAction] = {}
    answers: list[RecordedAnswer] = []
    requests: list[RecordedRequest] = []


@dataclass(frozen=True, slots=True)
class Recording:
    """
    A recorded story. `deliveries` are (time from the start, body), in order. `diagnostics` are keyed "playbook/step"
    or "step", each with its results in the order of their `since`. `acts` is what was recorded of actions, if anything.
    """

    name: str
    path: Path
    about: str
    start: datetime
    deliveries: tuple[tuple[timedelta, bytes], ...]
    diagnostics: Mapping[str, tuple[Recorded, ...]]
    acts: Acts = NO_ACTS

    def result(self, *, playbook: str, step: str, elapsed: timedelta) -> Recorded | None:
        """Find what the step yielded at that time after the start; None where nothing was recorded."""
        runs = self.diagnostics.get(f"{playbook}/{step}") or self.diagnostics.get(step) or ()
        return at_that_time(runs, elapsed)

    @property
    def place(self) -> Path:
        """The folder or the file that it is, whole."""
        return (self.path.parent if self.path.name == FILE else self.path).resolve()

    @property
    def fingerprints(self) -> frozenset[str]:
        """The alerts that it tells of."""
        alerts = (alert for _, body in self.deliveries for alert in json.loads(body)["alerts"])
        return frozenset(str(alert.get("fingerprint", "")) for alert in alerts)

    def moved(self, start: datetime) -> "Recording":
        """Return the same story as if it had begun at another time; deliveries are written anew."""
        by = start - self.start
        deliveries = tuple((at, _move(body, by)) for at, body in self.deliveries)
        return replace(self, start=start, deliveries=deliveries)


def _move(body: bytes, by: timedelta) -> bytes:
    return _rewritten(body, lambda _, moment: moment + by)


def _ended(body: bytes, at: datetime) -> bytes:
    return _rewritten(body, lambda key, moment: at if key == "endsAt" else moment)


def _rewritten(body: bytes, change: Callable[[str, datetime], datetime]) -> bytes:
    """
    Write a delivery with other moments; the year 1, which says that there is no end, stays.

    What is no delivery stays as it is: whoever gets it says what is wrong with it.
    """
    try:
        delivery = json.loads(body)
        for alert in delivery["alerts"]:
            for key in ("startsAt", "endsAt"):
                moment = datetime.fromisoformat(alert[key])
                if moment.year > 1:
                    alert[key] = change(key, moment).isoformat()
    except (ValueError, KeyError, TypeError):
        return body
    return json.dumps(delivery, ensure_ascii=False).encode()


def find(paths: list[Path]) -> list[Recording]:
    """
    Load every recording that the paths name or contain, sorted by path; no two have the same name.

    Raises: ConfigError for a path without any, or a file that cannot be read.
    """
    found: dict[Path, Recording] = {}
    for path in paths:
        places = sorted(_places(path))
        if not places:
            raise ConfigError(f"{path}: no recording here: neither {FILE} nor a delivery (*.json)")
        found.update((place.resolve(), load(place)) for place in places)
    return _told_apart(list(found.values()))


def load(path: Path) -> Recording:
    """
    Load one recording: its `recording.yaml`, a folder of deliveries, or a single delivery.

    Raises: ConfigError naming the file and what is wrong with it.
    """
    if path.name == FILE:
        return _written(path)
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    bodies = [_body(file) for file in files]
    return Recording(
        name=path.resolve().name if path.is_dir() else path.stem,
        path=path,
        about="",
        start=_start(bodies, path),
        deliveries=tuple((_SPACING * place, body) for place, body in enumerate(bodies)),
        diagnostics={},
    )


def _written(path: Path) -> Recording:
    try:
        shape = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigError(f"{path}: {error}") from error
    played = sorted(shape.deliveries, key=lambda item: item.at)
    bodies = [_body(path.parent / item.body) for item in played]
    start = shape.start or _start(bodies, path)
    deliveries = tuple(
        (item.at, body if item.ended is None else _ended(body, start + item.ended))
        for item, body in zip(played, bodies, strict=True)
    )
    return Recording(
        name=path.resolve().parent.name,
        path=path,
        about=shape.about,
        start=start,
        deliveries=deliveries,
        diagnostics={name: tuple(sorted(runs, key=lambda run: run.since)) for name, runs in shape.diagnostics.items()},
        acts=Acts(
            shape.actions,
            sorted(shape.answers, key=lambda answer: answer.at),
            sorted(shape.requests, key=lambda request: request.at),
        ),
    )


def _told_apart(recordings: list[Recording]) -> list[Recording]:
    """Name those that share a name by their paths below the folder that holds them all."""
    by_name: dict[str, list[Recording]] = {}
    for recording in recordings:
        by_name.setdefault(recording.name, []).append(recording)
    names: dict[Path, str] = {}
    for same in by_name.values():
        if len(same) > 1:
            above = os.path.commonpath([recording.place.parent for recording in same])
            names |= {recording.path: recording.place.relative_to(above).as_posix() for recording in same}
    return [replace(recording, name=names.get(recording.path, recording.name)) for recording in recordings]


def _places(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif (path / FILE).is_file():
        yield path / FILE
    elif path.is_dir():
        if any(path.glob("*.json")):
            yield path
        for child in path.iterdir():
            if child.is_dir():
                yield from _places(child)


def _body(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error


def _start(bodies: list[bytes], path: Path) -> datetime:
    """Take the latest moment that the first delivery speaks of: it cannot have been sent before."""
    try:
        alerts = json.loads(bodies[0])["alerts"]
        moments = [datetime.fromisoformat(alert[key]) for alert in alerts for key in ("startsAt", "endsAt")]
        return max(moment for moment in moments)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ConfigError(f"{path}: not a delivery of Alertmanager") from error


def write(
    folder: Path,
    *,
    about: str,
    deliveries: Sequence[tuple[timedelta, bytes]],
    runs: Mapping[str, Sequence[Recorded]],
    start: datetime | None = None,
    acts: Acts = NO_ACTS,
) -> Path:
    """
    Write a recording into a new folder, secrets redacted; answers the path of its `recording.yaml`.

    Raises: ConfigError when the folder exists or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=False)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}: a recording is written into a folder of its own") from error
    played = []
    for place, (at, body) in enumerate(deliveries, start=1):
        name = f"{place:03}.json"
        (folder / name).write_text(
            json.dumps(redact_json(json.loads(body)), ensure_ascii=False) + "\n", encoding="utf-8"
        )
        played.append(Played(at=at, body=name))
    diagnostics = {name: list(items) for name, items in runs.items()}
    shape = _File(
        about=about,
        start=start,
        deliveries=played,
        diagnostics=diagnostics,
        actions=dict(acts.actions),
        answers=list(acts.answers),
        requests=list(acts.requests),
    )
    plain = redact_json(shape.model_dump(mode="json", exclude_defaults=True))
    path = folder / FILE
    path.write_text(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120), encoding="utf-8")
    return path
