"""What became of a replay, as plain data that people can read, keep in a file and compare."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from responder.engine.replay import Story, Told
from responder.errors import ConfigError
from responder.model.duration import format_duration
from responder.model.finding import DiagnosticStatus
from responder.model.message import Message, Purpose, plain

Outcome = Mapping[str, Any]


def outcome_of(story: Story, render: Callable[[Message], str]) -> Outcome:
    """Describe a story; `render` writes the last message of each incident."""
    described: dict[str, Any] = {"incidents": [_incident(told, render) for told in story.told]}
    if story.rejected:
        described["rejected"] = list(story.rejected)
    if story.missed:
        described["missed"] = list(story.missed)
    return described


def _incident(told: Told, render: Callable[[Message], str]) -> dict[str, Any]:
    incident = told.incident
    diagnoses = incident.diagnoses.values()
    readings = [d.reading for d in diagnoses if d.reading is not None]
    described: dict[str, Any] = {
        "incident": incident.id,
        "title": incident.title,
        "rule": incident.rule,
        "severity": incident.severity,
        "why": incident.severity_why,
        "status": incident.status.value,
        "lasted": format_duration(incident.resolved_at - incident.opened_at) if incident.resolved_at else "",
        "found": {r.name: r.headline for r in readings if r.status is DiagnosticStatus.FOUND},
        "failed": {r.name: r.error for r in readings if r.status is DiagnosticStatus.FAILED},
        "skipped": {d.name: d.why for d in diagnoses if d.status is DiagnosticStatus.SKIPPED},
        "findings": [plain(finding.say) for finding in incident.findings],
        "earlier": [plain(finding.say) for finding in incident.earlier],
        "cause": next((f.cause for f in (*incident.findings, *incident.earlier) if f.cause), ""),
        "undecided": {doubt.name: doubt.why for doubt in incident.doubts},
        "actions": _actions(told),
        "assumed": list(told.assumed),
        "proposals": {proposal.name: list(proposal.commands) for proposal in incident.proposals},
        "checks": dict(incident.checks),
        "troubles": list(incident.troubles),
        "sent": sent(told),
        "message": _last(told, render),
    }
    return {key: value for key, value in described.items() if value not in ("", [], {}, ())}


def _actions(told: Told) -> dict[str, str | list[str]]:
    """Tell the fate of each action by its name; of several attempts in their order, without repeats."""
    fates: dict[str, list[str]] = {}
    for fate in told.fates:
        known = fates.setdefault(fate.name, [])
        if fate.told not in known[-1:]:
            known.append(fate.told)
    return {name: known[0] if len(known) == 1 else known for name, known in fates.items()}


def sent(told: Told) -> dict[str, int]:
    """Count what was sent: first messages, edits of them, replies, evidence, pages."""
    living = [one for one in told.sent if not one.event and one.message.purpose is Purpose.MESSAGE]
    counts = {
        "messages": sum(not one.edit for one in living),
        "edits": sum(one.edit for one in living),
        "replies": sum(one.message.purpose is Purpose.REPLY for one in told.sent),
        "evidence": sum(one.message.purpose is Purpose.EVIDENCE for one in told.sent),
        "pages": sum(bool(one.event) for one in told.sent),
    }
    return {name: number for name, number in counts.items() if number}


def _last(told: Told, render: Callable[[Message], str]) -> str:
    living = [sent.message for sent in told.sent if sent.message.purpose is Purpose.MESSAGE]
    return "\n".join(line.rstrip() for line in render(living[-1]).splitlines()) if living else ""


class _Dumper(yaml.SafeDumper):
    """Writes long texts as blocks, so that a difference is a line."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def write(outcomes: Mapping[str, Outcome]) -> str:
    """Write outcomes, by the names of their recordings, as YAML."""
    return yaml.dump(dict(outcomes), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def read(path: Path) -> Mapping[str, Outcome]:
    """
    Read outcomes from a file.

    Raises: ConfigError when there is none, or it is not what `write` writes.
    """
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; --update writes it") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise ConfigError(f"{path}: not the outcomes of a replay; --update writes it anew")
    return loaded


def difference(expected: Outcome | None, actual: Outcome) -> str:
    """Return a unified diff of two outcomes; "" when they are the same."""
    if expected == actual:
        return ""
    before = yaml.dump(expected, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120) if expected else ""
    after = yaml.dump(actual, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "expected", "now", lineterm="", n=2)
    return "\n".join(lines)
