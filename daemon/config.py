"""The site file: one TOML file per room, read whole by the daemon, its safety part read again by the watchdog itself.

The models are the manual: every key has its meaning and an example. Unknown keys are refused, because a misspelt
limit that is silently ignored is a limit that is not there. Errors name file, section, key, value, bound and
remedy, and all of them at once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, model_validator

from daemon.config_errors import explain
from daemon.config_panel import PanelSection
from daemon.config_parts import FOLDER, Port, Section, SitePath
from daemon.config_robot import RobotSection, TrackerSection
from drivers.errors import ConfigError
from drivers.port_urls import stays_inside
from drivers.quantities import SECOND_US
from safety.limits import load_limits

MINUTE_US = 60 * SECOND_US


def _known_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"must be a name of the IANA time zone list, and {name!r} is not")
    return name


class RoomSection(Section):
    """`[site]`: which room this is and what may happen in it."""

    room: str = Field(
        pattern=r"^[a-z0-9-]{1,32}$", description="name of the room, part of every MQTT topic", examples=["room1"]
    )
    use: Literal["simulation", "bench", "study"] = Field(
        description="what unverified numbers may do; nothing touches a person without `study`", examples=["simulation"]
    )
    timezone: Annotated[str, AfterValidator(_known_timezone)] = Field(
        description="the room's time zone; a treatment day runs from 03:00 to 03:00 in it", examples=["Europe/Rome"]
    )
    profile: Literal["fixed", "robot"] = Field(
        default="fixed", examples=["fixed"],
        description="how the coil is placed: `fixed` is confirmed by the operator, `robot` held on a tracked head",
    )  # fmt: skip
    practice: bool = Field(
        default=False, examples=[False],
        description="a room to practise in: simulated, marked as training everywhere, its ports in this file's folder",
    )  # fmt: skip
    one_person: bool = Field(
        default=False, description="a site of one: trips that take two persons are reset by one", examples=[False]
    )

    @property
    def zone(self) -> ZoneInfo:
        """The room's time zone."""
        return ZoneInfo(self.timezone)


class StudySection(Section):
    """`[study]`: under whose responsibility people are stimulated; only with `use = "study"`."""

    ethics: str = Field(min_length=1, description="reference of the ethics approval", examples=["EC 2026/114"])
    physician: str = Field(min_length=1, description="responsible physician", examples=["Dr N. N."])
    until: date = Field(description="last day of the approval, as a TOML date", examples=["2027-01-01"])
    reviewed: SitePath | None = Field(
        default=None,
        description="file of the limits' signed rows (`coilward limits review`)",
        examples=["reviewed.toml"],
    )


class StimulatorSection(Section):
    """`[stimulator]`: what stands in the room and where it is plugged in."""

    model: Literal["magstim-rapid2", "magstim-super-rapid2", "magstim-super-rapid2-plus1"] = Field(
        description="model of the stimulator", examples=["magstim-rapid2"]
    )
    firmware: Literal[5, 8, 9, 11] = Field(description="major version of its firmware", examples=[11])
    supply_volts: Literal[115, 240] = Field(
        default=240, description="mains voltage; it bounds the rates the model can hold", examples=[240]
    )
    port: Port = Field(description="where the stimulator is plugged in", examples=["serial:/dev/serial/by-id/usb-…"])
    coil: str = Field(
        pattern=r"^[a-z0-9-]{1,32}$", description="coil on the stimulator; thresholds belong to it",
        examples=["coil-1"],
    )  # fmt: skip
    disarm_cuts_train: Literal["assumed", "proven", "no"] = Field(
        default="assumed", examples=["proven"],
        description='whether disarming ends a running train: "proven" once this lab has shown it; "no": 1 s a trigger',
    )  # fmt: skip
    unlock_code_file: SitePath | None = Field(
        default=None, description="file (mode 0600) with the remote unlock code, firmware 9 and later",
        examples=["/etc/coilward/unlock-code"],
    )  # fmt: skip

    @model_validator(mode="after")
    def _code_only_where_there_is_a_lock(self) -> Self:
        if self.unlock_code_file is not None and self.firmware < 9:  # noqa: PLR2004  the first firmware with a lock
            raise ValueError("unlock_code_file belongs to firmware 9 and later: remove it, or correct firmware")
        return self


class WatchdogSection(Section):
    """`[watchdog]`: read by the watchdog itself; the daemon only checks that it is well formed."""

    state: SitePath = Field(description="folder of the pulse ledger", examples=["/var/lib/coilward/watchdog"])
    slack: int = Field(
        default=4, ge=1, le=20, description="factor on beat, presence and late-tick limits; simulation only",
        examples=[4],
    )  # fmt: skip
    daemon_user: str | None = Field(
        default=None, min_length=1, description="user coilward-daemon runs as; none: the watchdog's own",
        examples=["coilward-daemon"],
    )  # fmt: skip
    arm_user: str | None = Field(
        default=None, min_length=1, description="user coilward-arm runs as; none: the watchdog's own",
        examples=["coilward-arm"],
    )  # fmt: skip
    authorisations: SitePath | None = Field(
        default=None, description="folder of authorisation files for tier 2", examples=["examples/authorisations"]
    )


class DaemonSection(Section):
    """`[daemon]`: how sessions run in this room."""

    state: SitePath = Field(
        description="folder of journal, reports, thresholds and targets", examples=["/var/lib/coilward/daemon"]
    )
    continue_within_minutes: int | None = Field(
        default=None, ge=0, examples=[120],
        description="how long after its last record (its end, or its last settled pulse where nothing ended it) an "
        "interrupted session may be continued; 0: never; none: the watchdog's limit",
    )  # fmt: skip
    made_up: Literal["append", "leave-out"] = Field(
        default="append", description="what becomes of the pulses of a cut train", examples=["append"]
    )


class BrokerSection(Section):
    """`[broker]`: the MQTT broker and the daemon's account on it."""

    host: str = Field(default="127.0.0.1", min_length=1, description="name or address", examples=["127.0.0.1"])
    port: int = Field(default=1883, ge=1, le=65535, description="TCP port", examples=[1883])
    username: str = Field(default="daemon", min_length=1, description="the daemon's account", examples=["daemon"])
    password_file: SitePath | None = Field(
        default=None, description="file (mode 0600) with the account's password", examples=["/etc/coilward/broker"]
    )


class OperatorSection(Section):
    """`[[operators]]`: who may do what; `user` is the name the broker proves."""

    user: str = Field(pattern=r"^[a-z0-9-]{1,32}$", description="MQTT user name", examples=["operator"])
    role: Literal["viewer", "operator", "physician", "engineer"] = Field(
        description="what they may do", examples=["operator"]
    )


def _continue_limit_us(limits: Mapping[str, object]) -> int:
    """The watchdog's limit: the release's, or this site's own; one that is none the watchdog refuses."""
    longest_us, own_s = load_limits().timing.continue_within_us, limits.get("continue_within")
    return min(longest_us, int(own_s * SECOND_US)) if isinstance(own_s, (int, float)) else longest_us


class Site(Section):
    """A room, whole."""

    site: RoomSection
    study: StudySection | None = None
    stimulator: StimulatorSection
    watchdog: WatchdogSection
    limits: dict[str, int | float | str | bool] = Field(
        default_factory=dict, description="tightenings by limit name; the watchdog judges them", examples=[]
    )
    daemon: DaemonSection
    broker: BrokerSection = BrokerSection()
    panel: PanelSection = PanelSection()
    tracker: TrackerSection | None = None
    robot: RobotSection | None = None
    operators: tuple[OperatorSection, ...] = ()

    @model_validator(mode="after")
    def _use_and_study_agree(self) -> Self:
        if self.site.use == "study" and self.study is None:
            raise ValueError('use = "study" needs a [study] section with ethics, physician and until')
        if self.site.use != "study" and self.study is not None:
            raise ValueError('[study] belongs to use = "study" only: remove the section, or change use')
        if self.site.use != "simulation" and "slack" in self.watchdog.model_fields_set:
            raise ValueError('[watchdog] slack belongs to use = "simulation" only: remove the key')
        return self

    @model_validator(mode="after")
    def _practice_reaches_no_device(self, info: ValidationInfo) -> Self:
        if not self.site.practice:
            return self
        if self.site.use != "simulation":
            raise ValueError('[site] practice belongs to use = "simulation" only: remove the key')
        folder: Path = (info.context or {}).get(FOLDER, Path())
        ports = {"stimulator": self.stimulator.port, **({"tracker": self.tracker.port} if self.tracker else {})}
        for section, port in ports.items():
            if not stays_inside(port, folder):
                raise ValueError(
                    f'[{section}] port = "{port}" is not of this room, and a practice room opens nothing else: write '
                    f'"pty:{folder.absolute()}/…", or remove [site] practice'
                )
        return self

    @model_validator(mode="after")
    def _profile_and_its_sections_agree(self) -> Self:
        sections = {"tracker": self.tracker, "robot": self.robot}
        if self.site.profile == "robot":
            if missing := [f"[{name}]" for name, section in sections.items() if section is None]:
                raise ValueError(f'profile = "robot" needs {", ".join(missing)}: add it, or write profile = "fixed"')
        elif given := [f"[{name}]" for name, section in sections.items() if section is not None]:
            raise ValueError(f'{", ".join(given)} belongs to profile = "robot" only: remove it, or change profile')
        if self.robot is not None and self.site.use == "simulation" and not self.robot.simulated:
            raise ValueError(
                f'use = "simulation" moves simulated arms only, and [robot] host = "{self.robot.host}" is another '
                "machine: write an address from 127.0.0.1 on, or change use"
            )
        return self

    @property
    def continue_within_us(self) -> int:
        """How long after its last record an interrupted session may be continued here."""
        minutes = self.daemon.continue_within_minutes
        return _continue_limit_us(self.limits) if minutes is None else minutes * MINUTE_US

    @model_validator(mode="after")
    def _the_watchdog_continues_as_long(self) -> Self:
        limit_us, minutes = _continue_limit_us(self.limits), self.daemon.continue_within_minutes
        if minutes is not None and minutes * MINUTE_US > limit_us:
            raise ValueError(
                f"[daemon] continue_within_minutes = {minutes}: must be at most {limit_us / MINUTE_US:g}, the "
                f"watchdog's [limits] continue_within of {limit_us / SECOND_US:g} s: write a smaller number, or leave "
                "the key out"
            )
        return self

    @model_validator(mode="after")
    def _operators_are_distinct(self) -> Self:
        names = [operator.user for operator in self.operators]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"[[operators]] names {', '.join(twice)} more than once: keep one entry each")
        return self


def parse_site(text: str, path: Path) -> Site:
    """The site written in `text`; `path` names it in errors, and its folder is where relative paths count from.

    Raises ConfigError with one line for everything that is wrong.
    """
    try:
        raw: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise ConfigError(f"{path}: not TOML: {wrong}. Correct that line.") from None
    try:
        return Site.model_validate(raw, context={FOLDER: path.parent})
    except ValidationError as wrong:
        raise ConfigError("\n".join(f"{path}: {line}" for line in explain(wrong, Site))) from None


def load_site(path: Path) -> Site:
    """The site of a file. Raises ConfigError, also when there is no such file or it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. Give --site the room's file, or start from examples/.") from None
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigError(f"{path}: cannot be read: {wrong}. Correct the file or its permissions.") from None
    return parse_site(text, path)


def read_secret(path: Path) -> str:
    """The one line of a password or unlock-code file.

    Raises ConfigError when it cannot be read, is empty, or other users may read it.
    """
    try:
        mode = path.stat().st_mode & 0o077
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigError(f"{path}: cannot be read: {wrong}. Correct the path or its owner.") from None
    if mode:
        raise ConfigError(f"{path}: other users may read this secret. Run: chmod 600 {path}")
    if not text:
        raise ConfigError(f"{path}: is empty. Write the secret on its first line.")
    return text
