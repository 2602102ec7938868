"""How `responder replay` shows what became of actions."""

from rich.console import Console
from rich.text import Text

from responder.cli.rules import count
from responder.engine.fates import Fate, Word
from responder.engine.replay import Story, Told

_STYLES = {
    Word.RAN: "green",
    Word.WAITED: "yellow",
    Word.REFUSED: "red",
    Word.ENDED: "dim",
    Word.SUGGESTED: "dim",
}
_COUNTED = {
    Word.RAN: "would have run",
    Word.WAITED: "waiting for approval",
    Word.REFUSED: "refused",
    Word.ENDED: "not decided on",
    Word.SUGGESTED: "only suggested",
}


def show_actions(told: Told, console: Console) -> None:
    """Print how many there were, each with its fate, and what is assumed of them."""
    console.print(f"  actions   {_summary(told)}", markup=False)
    for fate in told.fates:
        console.print(Text(f"    {line(fate)}", style=_STYLES[fate.word]), soft_wrap=True)
    for assumed in told.assumed:
        console.print(Text(f"    assumed: {assumed}", style="dim"), soft_wrap=True)


def line(fate: Fate) -> str:
    """Tell one fate: "would have run at 12:03:10: roll-back: kubernetes.rollout_undo on deployment/api, ..."."""
    what = f"{fate.name}: {fate.doing}"
    by = f" by {', '.join(fate.guards)}" if fate.guards else ""
    then = f"; then {fate.then}" if fate.then else ""
    match fate.word:
        case Word.RAN:
            return f"would have run at {fate.at:%H:%M:%S}: {what}, {fate.why}{then}"
        case Word.WAITED:
            return f"waits for {fate.why}: {what}{then}"
        case Word.SUGGESTED:
            return f"only suggested: {what}"
    return f"{fate.word}{by} at {fate.at:%H:%M:%S}: {what}: {fate.why}{then}"


def actions_of(story: Story) -> str:
    """Tell the actions of a story as plain text, for reports."""
    lines: list[str] = []
    for told in story.told:
        lines.append(f"{told.incident.id}: {_summary(told)}")
        lines += [f"  {line(fate)}" for fate in told.fates]
        lines += [f"  assumed: {assumed}" for assumed in told.assumed]
    return "\n".join(lines)


def _summary(told: Told) -> str:
    if not told.fates:
        return "none was called for"
    words = [fate.word for fate in told.fates]
    parts = [f"{words.count(word)} {said}" for word, said in _COUNTED.items() if word in words]
    return f"{count(len(words), 'action')}: {', '.join(parts)}"
