"""Label sets and their fingerprint."""

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

Labels: TypeAlias = Mapping[str, str]

_FNV_OFFSET = 0xCBF29CE484222325
_FNV_PRIME = 0x100000001B3
_MASK = 0xFFFFFFFFFFFFFFFF
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def fingerprint(labels: Labels) -> str:
    """
    Compute Alertmanager's identity of a label set: 16 lower-case hexadecimal digits.

    Source: prometheus/common, `model.LabelSet.Fingerprint` (FNV-1a over sorted names and values, each ended by 0xFF).
    """
    total = _FNV_OFFSET
    for name in sorted(labels):
        for byte in (*name.encode(), 0xFF, *labels[name].encode(), 0xFF):
            total = ((total ^ byte) * _FNV_PRIME) & _MASK
    return f"{total:016x}"


def common(label_sets: Iterable[Labels]) -> dict[str, str]:
    """Return the pairs that stand in every one of the label sets; empty for no sets."""
    every = list(label_sets)
    first = every[0] if every else {}
    return {name: value for name, value in first.items() if all(labels.get(name) == value for labels in every)}


def clean(text: str) -> str:
    """
    Return the text with NUL and lone surrogates replaced by U+FFFD.

    PostgreSQL stores neither; one such label would otherwise lose its whole batch.
    """
    return _UNSTORABLE.sub("\ufffd", text)
