"""What the page is given to know of its room before it signs in: no secrets, no subjects."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from daemon.config import Site
from daemon.config_panel import PanelSection, TextSection
from daemon.notes import NOTES
from daemon.verbs import VERBS
from daemon.words import LANGUAGES
from daemon.words.document import document
from safety.protocols import Protocol
from safety.reasons import Outcome, Reason, Who

REASONS_FOR_PAUSE: Final = NOTES["reason"]


def site_json(site: Site, protocols: Iterable[Protocol]) -> bytes:
    """`/site.json`."""
    panel = site.panel
    return _json(
        {
            "room": site.site.room,
            "use": site.site.use,
            "practice": site.site.practice,
            "model": site.stimulator.model,
            "languages": list(LANGUAGES),
            "protocols": [_protocol(one) for one in protocols],
            "coil": site.stimulator.coil,
            "profile": site.site.profile,
            "red_button": _text(panel.red_button),
            "emergency": _emergency(panel),
            "verbs": {
                verb.name: {
                    "role": verb.role.value,
                    "nonce": verb.nonce,
                    "state_seq": verb.state_seq,
                    "control": verb.control,
                }
                for verb in VERBS.values()
            },
            "resets": _resets(site.site.one_person),
            "reasons_for_pause": REASONS_FOR_PAUSE,
        }
    )


def words_json(language: str) -> bytes:
    """`/words/<language>.json`."""
    return _json(document(language))


def _resets(one_person: bool) -> dict[str, str]:
    """Who lifts a safety stop, by its reason."""
    trips = [reason for reason in Reason if reason.outcome in (Outcome.TRIP, Outcome.TRIP_TWO)]
    return {reason.json: (Who.OPERATOR if one_person else reason.who).value for reason in trips}


def _protocol(one: Protocol) -> dict[str, Any]:
    sides = {phase.side for phase in one.phases}
    return {
        "id": one.id,
        "title": one.title,
        "trains": sum(phase.trains for phase in one.phases),
        "pulses": one.pulses,
        "seconds": round(sum(phase.trains * (phase.train.duration_us + phase.gap_us) for phase in one.phases) / 1e6),
        "side": sides.pop() if len(sides) == 1 else "both",
    }


def _emergency(panel: PanelSection) -> dict[str, Any]:
    steps = {"en": panel.emergency.en, "it": panel.emergency.it}
    return {**steps, "telephones": [one.model_dump() for one in panel.telephones]}


def _text(section: TextSection | None) -> dict[str, str] | None:
    return section.model_dump() if section else None


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
