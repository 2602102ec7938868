"""What a write of ours made of an object, so that nobody else is taken for its author by whoever comes next."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from responder.model.verdict import Json


@dataclass(frozen=True, slots=True)
class Written:
    """
    One write of ours: the facts of an object that a preview goes by, just before it and just after.

    Nobody has changed the object in between: the write was conditioned on what it found. `lock` names the object as
    previews do, `by` tells who has written each fact since ("alertmanager-responder at 12:03 UTC").
    """

    lock: str
    before: Mapping[str, Json]
    after: Mapping[str, Json]
    by: Mapping[str, str] = field(default_factory=dict)
