"""What an action says of a secret that it knew is taken out, in whatever form it stands there."""

import base64
import json
from urllib.parse import quote

import pytest

from responder.engine.scrubbing import scrub, scrubbed
from responder.model.action import Kept, Outcome
from responder.model.redaction import MARK

VALUE = 'Xq7"planted&value\nanother line of it'


@pytest.mark.parametrize(
    "form",
    [
        VALUE,
        base64.b64encode(VALUE.encode()).decode(),
        json.dumps({"a": VALUE}),
        quote(VALUE, safe=""),
        repr(VALUE),
        "another line of it",
        f"key: {VALUE.strip()};",
    ],
)
def test_every_form_is_taken_out(form: str) -> None:
    clean = scrub(f"it says {form} aloud", [VALUE])
    assert MARK in clean
    assert not any(part in clean for part in ("planted", "another line", base64.b64encode(VALUE.encode()).decode()))


def test_every_part_of_an_outcome_is_cleaned() -> None:
    kept = (Kept(VALUE, "00", 1, f"/x/{VALUE}"),)
    dirty = Outcome("failed", VALUE, (VALUE,), {"a": [VALUE, 5], VALUE: None}, kept=kept, basis={"b": VALUE})
    assert "planted" not in str(scrubbed(dirty, [VALUE]))
    assert scrubbed(dirty, []) is dirty
