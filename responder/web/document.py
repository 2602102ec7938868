"""What every document of the API is."""

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """One document."""

    model_config = ConfigDict(frozen=True)
