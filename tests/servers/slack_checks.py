"""What Slack refuses in a message: its limits, as the strict fake and the tests of the rendering apply them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MAX_BLOCKS = 50
MAX_TOTAL = 13_200
"""Characters of all blocks together, undocumented (bolt-js #2509); here of their JSON, the strictest reading."""
MAX_UPDATE_TEXT = 4_000
MAX_POST_TEXT = 40_000
MAX_ATTACHMENTS = 100
_MAX_ID = 255
_ACTION_TYPES = {"button", "overflow", "static_select", "datepicker", "checkboxes", "radio_buttons", "users_select"}
_CONTEXT_TYPES = {"mrkdwn", "plain_text", "image"}
_PING = re.compile(r"<(!(?:channel|here|everyone|subteam\^[^>|]+)|@[^>|]+)(?:\|[^>]*)?>")


def length(text: str) -> int:
    """Count UTF-16 code units, the strictest way in which Slack could count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def error_of(payload: Mapping[str, Any], *, update: bool = False) -> tuple[str, str]:
    """Return Slack's error code and what is wrong; ("", "") for a message that Slack takes."""
    text = payload.get("text") or ""
    blocks = payload.get("blocks") or []
    attachments = payload.get("attachments") or []
    if not text and not blocks and not attachments:
        return "no_text", "neither text nor blocks nor attachments"
    if update and length(text) > MAX_UPDATE_TEXT:
        return "msg_too_long", f"text of {length(text)} characters"
    if len(attachments) > MAX_ATTACHMENTS:
        return "too_many_attachments", str(len(attachments))
    every = [*blocks, *(block for attachment in attachments for block in attachment.get("blocks", []))]
    if len(every) > MAX_BLOCKS:
        return "invalid_blocks", f"{len(every)} blocks"
    trouble = next(block_troubles(every), "")
    if trouble:
        return "invalid_blocks", trouble
    total = length(json.dumps(every, ensure_ascii=False, separators=(",", ":"))) if every else 0
    if total > MAX_TOTAL:
        return "msg_blocks_too_long", f"{total} characters in blocks"
    return "", ""


def block_troubles(blocks: Sequence[Any]) -> Iterator[str]:
    """Yield what Slack would refuse in the blocks of one message."""
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
            yield f"blocks[{index}] has no type"
            continue
        for trouble in _block_troubles(block):
            yield f"blocks[{index}] ({block['type']}): {trouble}"
        for name in _identities(block):
            if not 0 < length(name) <= _MAX_ID or name in seen:
                yield f"blocks[{index}]: id {name[:40]!r} is repeated, empty or too long"
            seen.add(name)


def view_troubles(view: Mapping[str, Any]) -> Iterator[str]:
    """Yield what Slack would refuse in a dialog."""
    if view.get("type") != "modal":
        yield "type must be modal"
    for part in ("title", "submit", "close"):
        yield from (f"{part}: {trouble}" for trouble in _text(view.get(part), 24, kinds={"plain_text"}))
    if length(view.get("private_metadata", "")) > 3000 or length(view.get("callback_id", "")) > _MAX_ID:
        yield "private_metadata or callback_id is too long"
    blocks = view.get("blocks") or []
    if not 1 <= len(blocks) <= 100:
        yield f"{len(blocks)} blocks, allowed are 1 to 100"
    yield from block_troubles(blocks)


def strings(value: Any) -> Iterator[str]:
    """Yield every text that a reader of the block sees."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in {"text", "url", "alt_text", "value"} and isinstance(inner, str):
                yield inner
            else:
                yield from strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner)


def pings(payload: Mapping[str, Any]) -> list[str]:
    """List whom the markup of a message notifies: "!channel", "@U123", ..."""
    shown = [
        payload.get("text") or "",
        *strings(payload.get("blocks") or []),
        *strings(payload.get("attachments") or []),
    ]
    return [match.group(1) for text in shown for match in _PING.finditer(text)]


def _identities(block: Mapping[str, Any]) -> Iterator[str]:
    if "block_id" in block:
        yield block["block_id"]
    for element in [*block.get("elements", []), block.get("accessory") or {}]:
        if "action_id" in element:
            yield element["action_id"]


def _block_troubles(block: Mapping[str, Any]) -> Iterator[str]:
    match block["type"]:
        case "divider":
            return
        case "header":
            yield from _text(block.get("text"), 150, kinds={"plain_text"})
        case "section":
            yield from _section(block)
        case "context":
            yield from _context(block)
        case "actions":
            yield from _actions(block.get("elements"))
        case "input":
            yield from _input(block)
        case "image":
            yield from _image(block)
        case "markdown":
            if not 0 < length(block.get("text", "")) <= 12_000:
                yield "text must have 1 to 12000 characters"
        case other:
            yield f"unsupported type {other}"


def _text(value: Any, limit: int, *, kinds: set[str] | None = None) -> Iterator[str]:
    kinds = kinds or {"mrkdwn", "plain_text"}
    if not isinstance(value, Mapping) or value.get("type") not in kinds:
        yield f"text must be an object of type {sorted(kinds)}"
    elif not isinstance(value.get("text"), str) or not value["text"]:
        yield "text is empty"
    elif length(value["text"]) > limit:
        yield f"text has {length(value['text'])} characters of at most {limit}"
    elif not set(value) <= {"type", "text", "emoji", "verbatim"}:
        yield f"unknown keys in text: {sorted(value)}"
    elif "verbatim" in value and value["type"] != "mrkdwn":
        yield "verbatim belongs to mrkdwn"
    elif "emoji" in value and value["type"] != "plain_text":
        yield "emoji belongs to plain_text"


def _section(block: Mapping[str, Any]) -> Iterator[str]:
    if "text" not in block and not block.get("fields"):
        yield "needs text or fields"
    if "text" in block:
        yield from _text(block["text"], 3000)
    if "fields" in block:
        if not 1 <= len(block["fields"]) <= 10:
            yield f"has {len(block['fields'])} fields of at most 10"
        for field in block["fields"]:
            yield from _text(field, 2000)
    if "accessory" in block:
        yield from _element(block["accessory"])


def _context(block: Mapping[str, Any]) -> Iterator[str]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 10:
        yield f"has {len(elements)} elements, allowed are 1 to 10"
    for element in elements:
        if element.get("type") not in _CONTEXT_TYPES:
            yield f"element of type {element.get('type')}"
        elif element["type"] == "image":
            yield from _image(element)
        else:
            yield from _text(element, 2000)


def _actions(elements: Any) -> Iterator[str]:
    if not isinstance(elements, list) or not 1 <= len(elements) <= 25:
        yield "needs 1 to 25 elements"
        return
    for element in elements:
        if element.get("type") not in _ACTION_TYPES:
            yield f"element of type {element.get('type')}"
        yield from _element(element)


def _input(block: Mapping[str, Any]) -> Iterator[str]:
    yield from _text(block.get("label"), 2000, kinds={"plain_text"})
    if "hint" in block:
        yield from _text(block["hint"], 2000, kinds={"plain_text"})
    element = block.get("element") or {}
    if element.get("type") != "plain_text_input":
        yield f"element of type {element.get('type')}"
    if not 0 < element.get("max_length", 1) <= 3000 or length(element.get("initial_value", "")) > 3000:
        yield "max_length or initial_value is over 3000"


def _element(element: Mapping[str, Any]) -> Iterator[str]:
    if element.get("type") != "button":
        return
    yield from _text(element.get("text"), 75, kinds={"plain_text"})
    if length(element.get("value", "")) > 2000:
        yield "value of a button has more than 2000 characters"
    if length(element.get("url", "")) > 3000:
        yield "url of a button has more than 3000 characters"
    confirm = element.get("confirm")
    if confirm:
        yield from _text(confirm.get("title"), 100, kinds={"plain_text"})
        yield from _text(confirm.get("text"), 300)
        yield from _text(confirm.get("confirm"), 30, kinds={"plain_text"})
        yield from _text(confirm.get("deny"), 30, kinds={"plain_text"})


def _image(block: Mapping[str, Any]) -> Iterator[str]:
    if not 0 < length(block.get("image_url", "")) <= 3000 and "slack_file" not in block:
        yield "image_url must have 1 to 3000 characters"
    if not 0 < length(block.get("alt_text", "")) <= 2000:
        yield "alt_text must have 1 to 2000 characters"
