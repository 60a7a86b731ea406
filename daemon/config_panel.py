"""`[panel]`: where the operator's panel listens, and what this site's people read on it in an emergency."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from daemon.config_parts import Section, SitePath

Line = Annotated[str, Field(min_length=1, max_length=200)]


def _an_address(text: str) -> str:
    try:
        return "127.0.0.1" if text == "localhost" else str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("must be an address in numbers: a name can stand for several") from None


class TextSection(Section):
    """One text in both languages."""

    en: Line = Field(description="in English", examples=["On the wall behind you, beside the door."])
    it: Line = Field(description="in Italian", examples=["Sulla parete alle spalle, accanto alla porta."])


class StepsSection(Section):
    """`[panel.emergency]`: the site's own steps when a subject is unwell, in order."""

    en: tuple[Line, ...] = Field(default=(), max_length=12, description="in English", examples=[["Call 112."]])
    it: tuple[Line, ...] = Field(default=(), max_length=12, description="in Italian", examples=[["Chiama il 112."]])

    @model_validator(mode="after")
    def _in_both_languages(self) -> Self:
        if len(self.en) != len(self.it):
            raise ValueError(f"has {len(self.en)} steps in English and {len(self.it)} in Italian: give each in both")
        return self


class TelephoneSection(Section):
    """`[[panel.telephones]]`: whom to call."""

    name: Annotated[str, Field(min_length=1, max_length=60)] = Field(description="who answers", examples=["Ward"])
    number: str = Field(pattern=r"^[0-9+*# ()/-]{2,30}$", description="as it is dialled", examples=["112"])


class PanelSection(Section):
    """`[panel]`: the web page that a treatment is run from."""

    host: Annotated[str, AfterValidator(_an_address)] = Field(
        default="127.0.0.1", examples=["127.0.0.1"],
        description="address it listens on; another than this machine's own loopback needs certificate and key",
    )  # fmt: skip
    port: int = Field(default=8480, ge=0, le=65535, description="TCP port; 0: one that is free", examples=[8480])
    names: tuple[Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,253}$")], ...] = Field(
        default=(), max_length=8, examples=[["room1.example.org"]],
        description="names under which browsers reach it, besides localhost and addresses in numbers",
    )  # fmt: skip
    certificate: SitePath | None = Field(
        default=None, description="PEM file with its certificate", examples=["/etc/coilward/panel.pem"]
    )
    key: SitePath | None = Field(
        default=None,
        description="PEM file (mode 0600) with the certificate's key",
        examples=["/etc/coilward/panel.key"],
    )
    red_button: TextSection | None = Field(
        default=None, description="where the hard-wired stop button hangs, in both languages",
        examples=[{"en": "Beside the door.", "it": "Accanto alla porta."}],
    )  # fmt: skip
    emergency: StepsSection = StepsSection()
    telephones: tuple[TelephoneSection, ...] = Field(default=(), max_length=8)

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return self.certificate is not None

    @model_validator(mode="after")
    def _certificate_and_key_go_together(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together: give both files, or neither")
        return self

    @model_validator(mode="after")
    def _nobody_listens_in(self) -> Self:
        if not self.secure and not ipaddress.ip_address(self.host).is_loopback:
            raise ValueError(
                f'host = "{self.host}" lets other machines in, and without a certificate anybody between reads the '
                'passwords: give certificate and key, or write host = "127.0.0.1"'
            )
        return self
