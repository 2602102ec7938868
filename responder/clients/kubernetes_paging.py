"""Reading long lists from the API server in pages."""

from collections.abc import Mapping
from typing import Any

from responder.clients.kubernetes_answers import document
from responder.clients.kubernetes_connection import Call, Connection
from responder.clients.kubernetes_paths import Address

Object = Mapping[str, Any]

PAGE = 500
"""Objects asked for at once, as kubectl does."""


async def pages(connection: Connection, address: Address, query: Mapping[str, str], *, limit: int) -> list[Object]:
    """Read a list to its end, at most `limit` objects. Raises as `document` does."""
    items: list[Object] = []
    going_on = ""
    while True:
        page = {**query, "limit": str(min(PAGE, limit - len(items)))}
        if going_on:
            page["continue"] = going_on
        answer = await connection.ask(Call(address.path, str(address), tuple(page.items())))
        found = document(answer, address)
        items.extend(found.get("items") or ())
        going_on = found.get("metadata", {}).get("continue", "")
        if not going_on or len(items) >= limit:
            return items[:limit]
