"""
Takes secrets out of text before it is stored, logged or shown.

It errs on the side of hiding: a log line that loses a harmless value is cheaper than a password in a channel.
"""

from urllib.parse import unquote

import re2

from responder.model.verdict import Json

MARK = "[redacted]"

_KEYED = re2.compile(
    r"(?i)((?:[\w.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)[\w.-]*)"
    r"[\"']?\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|\[redacted\]|[^\s,;&}\]]+)"
)
_SHAPED = re2.compile(
    r"xox[abeoprs]-[\w-]{8,}|xapp-[\w-]{8,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|sk-[\w-]{16,}"
    r"|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|AIza[\w-]{30,}|ya29\.[\w-]{20,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
)
_AUTHORIZATION = re2.compile(
    r"(?i)((?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|token|digest|negotiate)?\s*)[^\s\"',]+"
)
_SCHEME = re2.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{12,}")
_USERINFO = re2.compile(r"([a-zA-Z][\w+.-]*://[^\s:/@]*:)[^\s/@]+(@)")
_PEM = re2.compile(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)")

_SECRET_NAME = re2.compile(
    r"(?i).*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential).*"
)


def redact(text: str) -> str:
    """Return the text with passwords, tokens, keys and credentials in URLs replaced by a mark."""
    text = _PEM.sub(MARK, text)
    text = _AUTHORIZATION.sub(r"\1" + MARK, text)
    text = _SCHEME.sub(r"\1 " + MARK, text)
    text = _USERINFO.sub(r"\1" + MARK + r"\2", text)
    text = _SHAPED.sub(MARK, text)
    return str(_KEYED.sub(r"\1" + MARK, text))


def redact_url(url: str) -> str:
    """Return the address without secrets, percent-encoded ones too: without its query then, or all but its host."""
    plain = redact(url)
    host = plain.partition("#")[0].partition("?")[0].split("/", 3)[:3]
    for shorter in (plain, plain.partition("?")[0], "/".join(host)):
        meant = unquote(shorter)
        if redact(meant) == meant:
            return shorter
    return ""


def redact_json(value: Json, *, name: str = "") -> Json:
    """Return the JSON value with secrets out of every string, and whole strings under a name that means a secret."""
    match value:
        case str():
            return MARK if value and _SECRET_NAME.fullmatch(name) else redact(value)
        case dict():
            return {key: redact_json(item, name=str(key)) for key, item in value.items()}
        case list() | tuple():
            return [redact_json(item, name=name) for item in value]
        case _:
            return value
