"""Regular expressions of rule files: RE2, which takes linear time whatever the pattern and the text."""

from functools import lru_cache
from typing import Any

import re2


@lru_cache(maxsize=1024)
def compile_regex(source: str) -> Any:
    """
    Compile an expression.

    Raises: ValueError with RE2's complaint.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(source, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        complaint = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"{source!r} is not RE2: {complaint}") from error
