"""
Takes secrets out of text before it is stored, logged or shown.

It errs on the side of hiding: a log line that loses a harmless value is cheaper than a password in a channel.
"""

from collections.abc import Sequence
from itertools import pairwise
from re import Match
from urllib.parse import unquote

import re2

from responder.model.verdict import Json

MARK = "[redacted]"

_ANYWHERE = (
    r"password|passwd|pwd|passphrase|passcode|secret|token|credential|connection[_.-]?string"
    r"|requirepass|masterauth|(?:api|access|private)[_.-]?key"
)
"""What means a secret wherever it stands in a name."""
_OF_KEYS = (
    r"encryption|encrypt|decryption|signing|signature|sign|master|jwt|jwe|session|ssh|tls|ssl|hmac|aes|rsa|cipher|crypto"
    r"|kms|license|deploy|account|storage|shared|service|client|auth|root|admin|app|application|webhook|cookie|vapid"
    r"|unseal|recovery|stripe|sendgrid|openai"
)
"""What a key is a secret of; of a row, a partition or a cache it is none."""
_CAMEL = r"(?-i:[a-z0-9](?:Pass|(?:Encryption|Signing|Master|Jwt|Session|Ssh|Storage|Account|Client|Auth)Keys?))"
_NAME = (
    rf"(?:[\w.-]*(?:{_ANYWHERE})[\w.-]*"
    rf"|[\w.-]*{_CAMEL}(?:(?-i:[A-Z0-9_])[\w.-]*)?"
    rf"|\b(?:[\w.-]*[_.-])?(?:{_OF_KEYS})[_.-]?keys?(?:[_.-]?\d+|[_.-][\w.-]*)?"
    # As a whole word only: a keyspace, a compass and what is passive are no secrets.
    r"|\b(?:[\w.-]*[_.-](?:pass|pw|salt|otp)(?:\d+|[_.-][\w.-]*)?|(?:pass|pw|otp)\d*)"
    r"|\b(?:[\w.-]*[_.-])?(?:cookie|jwt|signature|dsn)\d*|\b[\w.-]*[_.-]auth\d*)"
)
_QUOTED = (
    # JSON within JSON first; then what escapes its quotes; then what ends in a backslash.
    r"\\\"(?:[^\"\\]|\\\\\\.|\\\\[^\"\\]|\\[^\"\\])*\\\"|\\{2,}\"[^\"]*\""
    r"|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\"[^\"]*\"|'[^']*'"
)
_QUOTE = r"\\*[\"']"

_KEYED = re2.compile(rf"(?i)(-*{_NAME}(?:{_QUOTE})?[ \t]*[:=][ \t]*)({_QUOTED}|\[redacted\]|[^\s,;&}}\]]+)")
_FLAG = re2.compile(rf"(?i)((?:^|[\s\"'(])--?{_NAME}\s+)({_QUOTED}|[^\s-]\S*|-[^\s-]\S*)")
_FLAG_IN_A_LIST = re2.compile(rf"(?i)({_QUOTE}--?{_NAME}{_QUOTE}\s*,\s*{_QUOTE})[^\"']*")
_SHAPED = (
    r"xox[abeoprs]-[\w-]{8,}|xapp-[\w-]{8,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|sk-[\w-]{16,}"
    r"|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|AIza[\w-]{30,}|ya29\.[\w-]{20,}"
    r"|hv[bsr]\.[\w-]{16,}|npm_[A-Za-z0-9]{20,}|[rs]k_(?:live|test)_\w{16,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
)
_AUTHORIZATION = re2.compile(
    r"(?i)((?:proxy-)?authorization[\"']?[ \t]*[:=][ \t]*[\"']?(?:basic|bearer|token|digest|negotiate)?[ \t]*)"
    r"[^\s\"',]+"
)
_SCHEME = re2.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{12,}")
_USERINFO = re2.compile(
    r"([a-zA-Z][\w+.-]*://[^\s:/@]*:)"
    # A password may hold `@`, and `/` where a port cannot stand.
    r"(?:[^\s/@]+(?:@[^\s/@\"',;]*)*|[^\s/@\[\]\"']*[^\s/@\[\]\"'\d][^\s/@\[\]\"']*/[^\s@\"'<>]*)(@)"
)
_PEM = re2.compile(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)")

_SIGNED = r"([?&]sig=)[^\s&]+"
_IN_SQL = (
    r"(\b(?:identified[ \t]+(?:with[ \t]+\S+[ \t]+)?(?:by|as)|password)[ \t]*[ \t(=][ \t]*)"
    r"(?:'(?:[^'\\]|\\.|'')*'|'[^']*'|\"[^\"]*\")"
)
_IN_REDIS = (
    rf"((?:\b(?:requirepass|masterauth)(?:{_QUOTE})?[ \t]+"
    # As it answers: the name on a line, and the value on the next.
    rf"|^(?:\d+\)[ \t]*)?(?:{_QUOTE})?(?:requirepass|masterauth)(?:{_QUOTE})?\r?\n(?:\d+\)[ \t]*)?))(?:{_QUOTED}|\S+)"
)
_COOKIES = r"(\bcookie[ \t]*[:=][ \t]*)[^\s\"',;]+(?:;[ \t]*[^\s\"',;]+)*"
_APART = re2.compile(rf"(?im)(?-i:{_SHAPED})|{_SIGNED}|{_IN_SQL}|{_IN_REDIS}|{_COOKIES}")
"""What is known by itself or by a word of its own; in one, since each look costs a walk through the whole text."""
_IN_A_COMMAND = re2.compile(
    rf"(\bredis-cli\b[^|;\n]*?[ \t]-a[ \t]+|\b(?:mysql|mariadb)[^|;\n]*?[ \t]-p|\bsshpass[ \t]+-p[ \t]*"
    rf"|\bcurl\b[^|;\n]*?[ \t](?:-[a-zA-Z]*u[ \t]*|--(?:proxy-)?user[ \t=]+)[\"']?[^\s:\"'/]*:)({_QUOTED}|[^\s\"']+)"
)

_NAMES_ONE = r"[\w.-]*(?:secret|token|credential|key)s?[_.-]?(?:name|ref)"
_IS = rf"(?:{_QUOTE})?[ \t]*[:=][ \t]*"
_HARMLESS = re2.compile(
    # How many there are, or whether; how a check went; what the object is called that holds the secret.
    rf"(?i)(?:pass|[\w.-]*(?:tokens|keys|tokens?[_.-](?:count|limit|used|valid|expired))){_IS}(?:\d{{1,6}}|true|false)"
    rf"|[\w.-]*signature{_IS}(?:{_QUOTE})?(?:invalid|valid|verified|missing|expired|mismatch|failed|none)(?:{_QUOTE})?"
    rf"|{_NAMES_ONE}{_IS}(?:{_QUOTE})?[\w./-]+(?:{_QUOTE})?"
)
_CALLED = re2.compile(rf"(?i){_NAMES_ONE}")

_SECRET_NAME = re2.compile(rf"(?i).*(?:{_ANYWHERE}).*|{_NAME}")


def redact(text: str) -> str:
    """Return the text with passwords, tokens, keys and credentials in URLs replaced by a mark."""
    text = _PEM.sub(MARK, text)
    text = _AUTHORIZATION.sub(r"\1" + MARK, text)
    text = _SCHEME.sub(r"\1 " + MARK, text)
    text = _USERINFO.sub(r"\1" + MARK + r"\2", text)
    text = _APART.sub(r"\1\2\3\4" + MARK, text)
    for behind in (_IN_A_COMMAND, _FLAG, _FLAG_IN_A_LIST):
        text = behind.sub(r"\1" + MARK, text)
    return str(_KEYED.sub(_without_value, text))


def _without_value(found: Match[str]) -> str:
    return found[0] if _HARMLESS.fullmatch(found[0]) else f"{found[1]}{MARK}"


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
            secret = value and _SECRET_NAME.fullmatch(name) and not _CALLED.fullmatch(name)
            return MARK if secret else redact(value)
        case dict():
            return {key: redact_json(item, name=str(key)) for key, item in value.items()}
        case list() | tuple():
            hidden = behind_flags(value)
            return [MARK if at in hidden else redact_json(item, name=name) for at, item in enumerate(value)]
        case _:
            return value


def behind_flags(words: Sequence[Json]) -> frozenset[int]:
    """Say which words of a command line are the values of flags that mean a secret: `--db-password VALUE`."""
    pairs = pairwise(words)
    return frozenset(
        at for at, (flag, value) in enumerate(pairs, start=1) if _is_secret_flag(flag) and _is_value(value)
    )


def _is_secret_flag(word: Json) -> bool:
    return isinstance(word, str) and word.startswith("-") and bool(_SECRET_NAME.fullmatch(word.lstrip("-")))


def _is_value(word: Json) -> bool:
    return isinstance(word, str) and not word.startswith("--")
