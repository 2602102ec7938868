"""What actions say, bounded and without secrets, as it is stored and shown; and outcomes that we find ourselves."""

from collections.abc import Iterable
from dataclasses import replace

from responder.model.action import Change, Outcome, Preview, Progress
from responder.model.command import Act
from responder.model.labels import clean
from responder.model.redaction import redact, redact_json
from responder.store.rows import compact

LINE = 500
LINES = 50
LARGEST = 512 * 1024
"""Characters of what an action wants to remember, as JSON."""


def not_done(why: str) -> Outcome:
    """Nothing was changed."""
    return Outcome("not_done", _line(why))


def failed(why: str) -> Outcome:
    """It was refused."""
    return Outcome("failed", _line(why))


def in_doubt(why: str) -> Outcome:
    """Nobody knows whether it happened."""
    return Outcome("in_doubt", _line(why))


def counted_as(command: Act, outcome: Outcome, *, dry_run: bool) -> str:
    """Name what became of a try, for the metrics: what was taken back, or only rehearsed, was not done."""
    if outcome.status != "done":
        return outcome.status
    if command.dry_run or dry_run:
        return "dry_run"
    return "undone" if command.undo else "done"


def safe_preview(preview: Preview) -> Preview:
    """Take secrets out of what people read of a preview. What it goes by stays as it is, bounded."""
    refusal = _line(preview.refusal)
    if not refusal and len(compact([preview.basis, preview.undo])) > LARGEST:
        refusal = "what it would have to remember is too large"
    return replace(
        preview,
        summary=_line(preview.summary),
        changes=tuple(_change(change) for change in preview.changes[:LINES]),
        refusal=refusal,
        basis={} if refusal else preview.basis,
        undo=None if refusal else preview.undo,
        touches=_lines(preview.touches),
        disruption=_line(preview.disruption),
        budgets=_lines(preview.budgets),
        owner=_line(preview.owner),
        owner_way=_line(preview.owner_way),
        warnings=_lines(preview.warnings),
        wrote={name: _line(who) for name, who in preview.wrote.items()},
    )


def safe_outcome(outcome: Outcome) -> Outcome:
    """Take secrets out of what people read of an outcome. What it goes by stays as it is, bounded."""
    say = _line(outcome.say)
    undo, basis = outcome.undo, outcome.basis
    if len(compact([undo, basis])) > LARGEST:
        undo, basis, say = None, {}, f"{say} (what undoing it needs was too large to be kept)"
    return replace(outcome, say=say, details=_lines(outcome.details), undo=undo, basis=basis)


def safe_progress(progress: Progress) -> Progress:
    """Take secrets out of a progress."""
    return replace(progress, say=_line(progress.say), failed=_line(progress.failed), reverted=_line(progress.reverted))


def _change(change: Change) -> Change:
    before, after = (str(redact_json(clean(text[: 4 * LINE]), name=change.what)) for text in _sides(change))
    return Change(_line(change.what), before[:LINE], after[:LINE])


def _sides(change: Change) -> tuple[str, str]:
    return change.before, change.after


def _lines(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(_line(line) for line in tuple(lines)[:LINES])


def _line(text: str) -> str:
    return redact(clean(text[: 4 * LINE]))[:LINE]
