"""The groups of settings about actions: how far they may go, what they may touch, where evidence lies, who decides."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from responder.model.program import line_of
from responder.settings.section import Bytes, Ceiling, HttpUrl, Section, Span, Words

_MIB = 1024 * 1024


def _line(text: str) -> str:
    line_of(text)
    return text


def _upper(words: list[str]) -> list[str]:
    return [word.upper() for word in words]


Lines = Annotated[list[Annotated[str, AfterValidator(_line)]], Words]
PersonName = Annotated[str, Field(pattern=r"^[^\s\x00-\x1f\x7f/]([^\x00-\x1f\x7f/]{0,62}[^\s\x00-\x1f\x7f/])?$")]


class Automation(Section):
    """How far actions go by themselves; a word alone is the `mode`."""

    word: ClassVar[str] = "mode"

    mode: Ceiling = Field("suggest", description="Ceiling for all actions: off, suggest, approve or auto.")
    dry_run: bool = Field(False, description="Decide, preview and guard as ever, and change nothing outside.")
    stopped: bool = Field(False, description="Start no action until this is taken out, whoever approves it.")


class Actions(Section):
    """What actions may touch, whatever the rules say."""

    programs: Lines = Field(
        [],
        description=(
            "Command lines that kubernetes.exec and evidence.capture may run, such as `jmap -dump:* *`: `*` is any text"
            " in one argument, `\\*` a star, `...` at the end any more arguments, a program alone takes any. What runs"
            " other things, such as a shell, only as a whole line. Empty: none."
        ),
    )
    kinds: Annotated[list[str], Words] = Field(
        ["ConfigMap", "NetworkPolicy", "PodDisruptionBudget", "HorizontalPodAutoscaler"],
        description="Kinds of objects that kubernetes.apply may create.",
    )
    redis_parameters: Annotated[list[str], Words] = Field(
        [], description="Parameters that redis.config_set may set. Empty: none."
    )
    methods: Annotated[list[str], Words, AfterValidator(_upper)] = Field(
        ["POST", "PUT", "PATCH", "DELETE"], description="HTTP methods that http.request may use."
    )


class Bucket(Section):
    """A bucket of S3, or of what speaks its protocol."""

    endpoint: HttpUrl = Field("", description="Address of the service; absent for Amazon's own of the region.")
    bucket: str = Field(min_length=3, max_length=63, description="Name of the bucket, which must be there.")
    region: str = Field("us-east-1", description="Its region.")
    access_key: SecretStr | None = Field(None, description="Absent, with secret_key: those of the machine's role.")
    secret_key: SecretStr | None = Field(None, description="The secret of the access key.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.access_key) != bool(self.secret_key):
            raise ValueError("access_key and secret_key go together: give both or none")
        return self


class EvidenceStore(Section):
    """Where evidence is kept."""

    directory: Path | None = Field(
        None, description="Folder for evidence; the folder `evidence` beside the SQLite file when absent."
    )
    s3: Bucket | None = Field(None, description="A bucket instead of a folder; needed with several replicas.")
    keep: Span = Field(
        timedelta(days=90),
        ge=timedelta(hours=1),
        description="How long files stay in the folder once their incident ended; a bucket has rules of its own.",
    )
    max_size: Bytes = Field(256 * _MIB, gt=0, description="Largest file kept, in bytes or such as 256Mi.")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.directory and self.s3:
            raise ValueError("give directory or s3, not both")
        if self.s3 and "keep" in self.model_fields_set:
            raise ValueError("keep is of a folder: in a bucket its own lifecycle rule says how long files stay")
        return self


class Person(Section):
    """Somebody who may decide about actions."""

    token: SecretStr | None = Field(None, description="What lets this person in at the API.")
    roles: Annotated[list[str], Words] = Field([], description="Roles that rules ask for, such as on-call or security.")
    slack: Annotated[str, Field(pattern=r"^([UW][A-Z0-9]{2,})?$")] = Field(
        "", description="The member ID in Slack, such as U012AB3CD; for buttons."
    )

    @model_validator(mode="after")
    def _known_somehow(self) -> Self:
        if self.token is not None and not self.token.get_secret_value().strip():
            raise ValueError("the token is empty")
        if self.token is None and not self.slack:
            raise ValueError("give token, slack or both: nobody could be recognised by anything else")
        return self


def recognisable(people: dict[str, Person]) -> dict[str, Person]:
    """
    Return the people when nobody can be taken for another.

    Raises: ValueError where two share a token or a member ID, without telling the token.
    """
    for what in ("token", "slack"):
        owners: dict[str, str] = {}
        for name, person in people.items():
            value = getattr(person, what)
            mark = value.get_secret_value() if isinstance(value, SecretStr) else value
            if mark and mark in owners:
                raise ValueError(f"{owners[mark]} and {name} have the same {what}: give each their own")
            owners[mark or ""] = name
    return people
