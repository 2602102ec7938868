"""The word that was probably meant: what every complaint about an unknown word ends with."""

from collections.abc import Iterable
from difflib import get_close_matches

ALIKE = 0.6
"""From 0 to 1, how alike two words are that may be taken for one another."""


def nearest(word: str, known: Iterable[str], *, alike: float = ALIKE) -> str:
    """
    Return the known word that is most like this one, "" when none is; upper and lower case are the same.

    Of a name such as `kubernetes.scale` its last part is enough.
    """
    words = sorted(known, reverse=True)
    whole = {each.casefold(): each for each in words}
    last = {each.rpartition(".")[2].casefold(): each for each in words}
    for given, among in ((word.casefold(), whole), (word.rpartition(".")[2].casefold(), last)):
        if near := get_close_matches(given, among, n=1, cutoff=alike):
            return among[near[0]]
    return ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean WORD?)" for after the word in a complaint, "" where nothing is like it."""
    near = nearest(word, known)
    return f" (did you mean {near}?)" if near else ""
