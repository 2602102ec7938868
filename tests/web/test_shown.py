"""What the API shows of a timeline holds nothing that is kept only to take something back, and no secrets."""

from responder.model import codec
from responder.model.action import Outcome, Preview
from responder.model.timeline import Acted, ActionAsked, Answered, Opened, Previewed
from responder.web.shown import shown

BASIS = {"generation": 7, "password": "hunter2"}


def test_what_taking_back_needs_is_not_shown() -> None:
    acted = shown(Acted(1, 0, Outcome("done", "patched", undo={"value": "hunter2"}, basis=BASIS)))
    previewed = shown(Previewed(1, 1, (Preview("patch", undo={"value": "hunter2"}, basis=BASIS),)))
    for what in (acted, previewed):
        told = codec.HAPPENING.dump(what)
        assert "hunter2" not in told
        assert '"generation":7' in told


def test_secrets_that_people_give_are_not_shown() -> None:
    for what in (
        ActionAsked("ann", "kubernetes.patch_secret", {"key": "x", "token": "hunter2"}),
        Answered(1, "yes", "ann", inputs={"password": "hunter2", "cidrs": ["10.0.0.0/24"]}),
    ):
        assert "hunter2" not in codec.HAPPENING.dump(shown(what))


def test_everything_else_is_shown_as_it_is() -> None:
    opened = Opened("r", "critical", "because")
    assert shown(opened) is opened
