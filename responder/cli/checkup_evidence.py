"""Whether evidence could be kept: the folder with room in it, or the bucket that takes a small object."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from responder.cli.checkup import Finding, State
from responder.cli.checkup_systems import Surroundings
from responder.model.playbook import ActionStep
from responder.model.quantity import format_bytes
from responder.settings.acting import Bucket

EVIDENCE = "evidence.capture"
_FILES = 4
"""Of the largest size, for which there should be room."""


async def evidence(around: Surroundings, asked: Sequence[ActionStep]) -> Sequence[Finding]:
    """Look at the place; where none is set, whether an action that is `asked` for needs one."""
    settings = around.settings
    if settings.evidence.s3 is not None:
        return (await _bucket(around, settings.evidence.s3),)
    if settings.evidence_directory is None:
        state = State.FAILED if any(step.plugin == EVIDENCE for step in asked) else State.SKIPPED
        return (Finding("evidence", state, "no place for it is set", "set evidence.directory or evidence.s3"),)
    return (_folder(settings.evidence_directory, settings.evidence.max_size),)


async def _bucket(around: Surroundings, bucket: Bucket) -> Finding:
    """Put a small object, read it and take it away. Raises: CallError."""
    try:
        shelf = around.load("evidence_bucket", "BucketShelf")(bucket)
    except ModuleNotFoundError:
        cure = "pip install 'alertmanager-responder[s3]'"
        return Finding("evidence", State.FAILED, "evidence.s3 needs a library that is not installed", cure)
    refused = await shelf.try_out()
    if not refused:
        return Finding("evidence", State.OK, f"the bucket {bucket.bucket} takes files; one was put, read and deleted")
    detail = f"the bucket {bucket.bucket} takes files, which is all that is needed; these keys may not {refused}"
    cure = "delete responder-doctor.txt there when you like" if "delete" in refused else ""
    return Finding("evidence", State.OK, detail, cure)


def _folder(folder: Path, largest: int) -> Finding:
    standing = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if not standing.is_dir() or not os.access(standing, os.W_OK | os.X_OK):
        wrong = f"we may not write to {standing}" if standing.is_dir() else f"{standing} is no folder"
        return Finding("evidence", State.FAILED, wrong, "change who may write there, or evidence.directory")
    free = shutil.disk_usage(standing).free
    said = f"{folder}{'' if standing == folder.absolute() else ', made when needed'}; {format_bytes(free)} are free"
    if free >= _FILES * largest:
        return Finding("evidence", State.OK, said)
    state = State.FAILED if free < largest else State.WARNING
    cure = "make room there, set evidence.directory to a larger disk, or lower evidence.max_size"
    return Finding("evidence", state, f"{said}; one file may have {format_bytes(largest)} (evidence.max_size)", cure)
