"""Stored incidents are read, the large ones once."""

from dataclasses import replace

from responder.engine.unpacking import LARGE, unpack
from responder.model import codec
from tests.web.test_api import incident


def test_a_large_incident_is_read_once_and_its_next_state_anew() -> None:
    first = replace(incident(1), title="x" * LARGE)
    text, next_text = codec.INCIDENT.dump(first), codec.INCIDENT.dump(replace(first, refires=1))
    assert unpack(text) == first
    assert unpack("".join(text)) is unpack(text)
    assert unpack(next_text).refires == 1


def test_a_small_one_is_read_as_it_is() -> None:
    assert unpack(codec.INCIDENT.dump(incident(1))) == incident(1)
