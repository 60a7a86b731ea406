"""What every section of the site file is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

PORT_SCHEMES = ("serial:", "pty:", "tcp:")
"""What `drivers.streams.open_stream` opens, besides the in-memory pair of tests."""
FOLDER = "folder"


class Section(BaseModel):
    """Base of all sections: immutable, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _from_the_site_file(path: Path, info: ValidationInfo) -> Path:
    """Relative paths count from the folder of the site file, as in the watchdog's own reading of it."""
    folder: Path = (info.context or {}).get(FOLDER, Path())
    return folder / path.expanduser()


SitePath = Annotated[Path, AfterValidator(_from_the_site_file)]


def _openable(url: str) -> str:
    if not url.startswith(PORT_SCHEMES) or not url.partition(":")[2]:
        raise ValueError(f"must begin with one of {', '.join(PORT_SCHEMES)} and name what to open")
    return url


Port = Annotated[str, AfterValidator(_openable)]
