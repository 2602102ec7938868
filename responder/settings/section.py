"""What every group of settings is: names that must be known, secrets that may lie in files, values of a few kinds."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, SecretStr, model_validator

from responder.model.duration import format_duration, parse_duration
from responder.model.quantity import parse_quantity

T = TypeVar("T")


def _parse(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _split(value: object) -> object:
    """Take one or several, separated by commas, where a variable stands for a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _bytes(value: object) -> object:
    amount = parse_quantity(value.replace(" ", "").removesuffix("B")) if isinstance(value, str) else None
    return value if amount is None else int(amount)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone: write UTC, or a name such as Europe/Berlin") from None
    return name


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    valid = colon and port.isascii() and port.isdigit() and int(port) <= 65535
    if not valid or (":" in host and host[0] != "["):
        raise ValueError("write address:port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080")
    return text


def schemes(*allowed: str) -> AfterValidator:
    """Check that a text or secret, if there is one, is a URL of one of the schemes."""

    def check(value: T) -> T:
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
        if text and text.partition("://")[0] not in allowed:
            raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in allowed)}")
        return value

    return AfterValidator(check)


Span = Annotated[timedelta, BeforeValidator(_parse), PlainSerializer(format_duration, return_type=str)]
Paths = Annotated[list[Path], BeforeValidator(_split)]
Secrets = Annotated[list[SecretStr], BeforeValidator(_split)]
Zone = Annotated[str, AfterValidator(_zone)]
Address = Annotated[str, AfterValidator(_address)]
HttpUrl = Annotated[str, schemes("http", "https")]
Words = BeforeValidator(_split)
"""Marks a list that can be written as one text, with commas."""
Bytes = Annotated[int, BeforeValidator(_bytes)]
Ceiling = Annotated[
    Literal["off", "suggest", "approve", "auto"],
    BeforeValidator(lambda value: "off" if value is False else value),  # YAML 1.1 reads a bare `off` as false
]


class Section(BaseModel):
    """
    A group of settings. An unknown name is an error; `NAME_file` is read into the secret NAME.

    `word` is the field that a plain value in place of the group is for; "" where there must be a group.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    word: ClassVar[str] = ""

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, data: Any) -> Any:
        if cls.word and isinstance(data, str | bool):
            return {cls.word: data}
        if not isinstance(data, dict):
            return data
        read = dict(data)
        for name in secrets_of(cls):
            path = read.pop(f"{name}_file", None)
            if path is None:
                continue
            if read.get(name) is not None:
                raise ValueError(f"give {name} or {name}_file, not both")
            read[name] = _read_secret(name, str(path), get_origin(cls.model_fields[name].annotation))
        return read


def secrets_of(section: type[BaseModel]) -> tuple[str, ...]:
    """List the fields that hold secrets, which can be read from a file too."""
    return tuple(n for n, field in section.model_fields.items() if "SecretStr" in str(field.annotation))


def section_in(annotation: Any) -> type[Section] | None:
    """Find the section that an annotation is about: itself, optional, or in a list or mapping; None for a value."""
    candidates = (annotation, *get_args(annotation))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, Section)), None)


def _read_secret(name: str, path: str, shape: Any) -> Any:
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"{name}_file: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ValueError(f"{name}_file: {path} is not UTF-8 text") from None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValueError(f"{name}_file: {path} is empty")
    if shape is list:
        return lines
    if shape is not dict:
        return text
    pairs = [line.partition(":") for line in lines]
    if not all(colon for _, colon, _ in pairs):
        raise ValueError(f"{name}_file: {path} must have one `name: secret` a line")
    return {key.strip(): secret.strip() for key, _, secret in pairs}
