"""Every setting as a row of a table, from the types themselves; README's table is this one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from responder.model.duration import format_duration
from responder.settings.process import Settings
from responder.settings.section import Section, secrets_of, section_in
from responder.settings.sources import variable

BEGIN = "<!-- settings: `responder settings --markdown` writes this table -->"
END = "<!-- end of settings -->"


@dataclass(frozen=True, slots=True)
class Row:
    """
    One setting. `name` has NAME where a name of yours stands, and `[]` for each of a list.

    `variable` is "" where only the file, or a variable with JSON for the whole list, can give it.
    """

    name: str
    default: str
    about: str
    variable: str
    secret: bool


def rows() -> tuple[Row, ...]:
    """List every setting in the order in which they are declared; a group that stands twice is listed once."""
    return tuple(_rows(Settings, "", {}))


def markdown() -> str:
    """Write the table as Markdown, between its two marks."""
    lines = [BEGIN, "", "| setting | default | what it is |", "|---|---|---|"]
    for row in rows():
        default = f"`{row.default}`" if row.default else ""
        about = row.about.replace("|", "\\|") + (" Also as `..._file`." if row.secret else "")
        lines.append(f"| `{row.name}` | {default} | {about} |")
    return "\n".join([*lines, "", END])


def _rows(section: type[Section], prefix: str, seen: dict[type[Section], str]) -> Iterator[Row]:
    for name, field in section.model_fields.items():
        path = f"{prefix}{name}"
        inner = section_in(field.annotation)
        if inner is None:
            yield _row(section, name, field, path)
            continue
        if inner.word:
            short = inner.model_fields[inner.word]
            yield Row(
                path, _default(short), f"{short.description} Short for `{path}.{inner.word}`.", _variable(path), False
            )
        group = f"{path}{_step(field)}"
        known = next((kind for kind in seen if issubclass(inner, kind)), None)
        if known is None:
            seen[inner] = group
            yield from _rows(inner, f"{group}.", seen)
        else:
            yield Row(f"{group}.*", "", f"{field.description} As `{seen[known]}.*`.", _variable(group), False)
            own = [name for name in inner.model_fields if name not in known.model_fields]
            yield from (_row(inner, name, inner.model_fields[name], f"{group}.{name}") for name in own)


def _row(section: type[Section], name: str, field: FieldInfo, path: str) -> Row:
    secret = name in secrets_of(section)
    return Row(path, _default(field), field.description or "", _variable(path), secret)


def _step(field: FieldInfo) -> str:
    shape = get_origin(field.annotation)
    return ".NAME" if shape is dict else "[]" if shape is list else ""


def _variable(path: str) -> str:
    return "" if "[]" in path else variable(path)


def _default(field: FieldInfo) -> str:
    return "required" if field.is_required() else _shown(field.get_default(call_default_factory=True))


def _shown(value: Any) -> str:
    match value:
        case None | "" | BaseModel():
            return ""
        case list() | dict():
            return ", ".join(map(str, value))
        case bool():
            return str(value).lower()
        case SecretStr():
            return value.get_secret_value()
        case timedelta():
            return format_duration(value)
        case Path():
            return str(value)
    return str(value)
