"""What an earlier version stored can be read, and what this one stores says the same when it is read."""

import json
from datetime import UTC, datetime

from responder.model import codec
from responder.model.incident import Incident, Post, Status
from responder.model.target import Target

STORED = """
{"number": 17, "rule": "shop/errors", "key": "[]", "cluster": "default", "target": {"cluster": "default", "kind": "Pod",
 "name": "api-1", "zone": "eu"}, "severity": "critical", "title": "Errors", "opened_at": "2026-11-21T12:00:00Z",
 "started_at": "2026-11-21T11:59:30Z", "status": "acknowledged", "waiting": [], "mood": {"calm": true},
 "episodes": [{"fingerprint": "00", "started_at": "2026-11-21T11:59:30Z", "ended_at": null, "labels": {"a": "b"},
 "annotations": {}, "weight": 3}], "findings": [{"name": "many", "say": [{"text": "Errors", "kind": "own"}]}],
 "posts": {"default/incidents": {"receiver": "default/incidents", "ref": {"ts": "1.2"}, "sequence": 3,
 "colour": "red"}}}
"""
"""An incident of the first version: with fields that are gone, and without those that came later."""


def test_what_the_first_version_stored_can_be_read() -> None:
    incident = codec.INCIDENT.load(STORED)
    assert incident.id == "INC-17"
    assert incident.status is Status.ACKNOWLEDGED
    assert incident.target == Target("default", "Pod", name="api-1")
    assert incident.labels == {"a": "b"}
    assert incident.posts == {"default/incidents": Post("default/incidents", ref={"ts": "1.2"}, sequence=3)}
    assert [finding.until for finding in incident.findings] == [None]
    assert (incident.earlier, incident.rules, incident.round) == ((), (), 0)


def test_what_is_gone_is_not_written_again() -> None:
    written = json.loads(codec.INCIDENT.dump(codec.INCIDENT.load(STORED)))
    assert not {"waiting", "mood"} & written.keys()
    assert codec.INCIDENT.load(json.dumps(written)) == codec.INCIDENT.load(STORED)


def test_happenings_commands_and_playbooks_of_other_versions_can_be_read_too() -> None:
    happening = codec.HAPPENING.load('{"kind": "acknowledged", "by": "ann", "via": "phone"}')
    assert happening.kind == "acknowledged"
    command = codec.COMMAND.load('{"kind": "page", "receiver": "r", "event": "trigger", "sequence": 1, "urgency": 9}')
    assert command.key == "page/r/trigger/1"
    playbook = codec.PLAYBOOK.load(
        '{"name": "p/a", "diagnostics": [{"name": "x", "plugin": "y", "cost": 1}], "tags": []}'
    )
    assert playbook.diagnostics[0].plugin == "y"


def test_moments_keep_their_zone() -> None:
    incident: Incident = codec.INCIDENT.load(STORED)
    assert incident.opened_at == datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert codec.INCIDENT.load(codec.INCIDENT.dump(incident)).opened_at.tzinfo is not None
