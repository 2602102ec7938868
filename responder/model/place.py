"""Where interpolated text will stand: escaping is by place, never by the author's care."""

from enum import StrEnum


class Place(StrEnum):
    """
    Where the text of a field will stand, which decides how a value interpolated into it is escaped.

    Written as metadata: `query: Annotated[str, Place.PROMQL]`. A field without one is PLAIN.
    """

    PLAIN = "plain"
    """Text that no other language reads, or that the plugin passes on as one whole value."""
    PROMQL = "promql"
    """PromQL: escaped inside a string literal, quoted as RE2 where the matcher is =~ or !~, refused elsewhere."""
    URL = "url"
    """A URL: percent-encoded; scheme, host and port cannot come from a value."""
    SELECTOR = "selector"
    """A Kubernetes label or field selector: the value must be a valid label value."""
    NAME = "name"
    """The name of a Kubernetes object or namespace: the value must be a valid one."""
    REGEX = "regex"
    """RE2: the value is quoted."""
    ARGUMENT = "argument"
    """One element of an argument list: the value never becomes a flag."""
    SECRET = "secret"  # noqa: S105
    """A value that nothing shows or stores: only `${inputs.NAME}` of a secret input, filled when it is done."""
    FIXED = "fixed"
    """A language in which no value can stand safely (SQL text): `${}` is refused at load; bind parameters instead."""
