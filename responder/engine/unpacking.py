"""
Makes incidents of their stored JSON. An incident of thousands of alerts takes its time, so the latest are remembered.

Incidents are never changed, so that all who ask may share one.
"""

from functools import lru_cache

from responder.model import codec
from responder.model.incident import Incident

LARGE = 64 * 1024
"""Characters of an incident that is worth remembering, and after which others are let in between."""
_REMEMBERED = 4


def unpack(data: str) -> Incident:
    """Read an incident."""
    return _large(data) if len(data) > LARGE else codec.INCIDENT.load(data)


@lru_cache(_REMEMBERED)
def _large(data: str) -> Incident:
    return codec.INCIDENT.load(data)
