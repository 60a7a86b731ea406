"""The AsyncAPI 3 document of a room's topics, made from the tables.

Written anew by `python -m daemon.asyncapi > docs/asyncapi.json`.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from daemon.messages import Payload
from daemon.topics import CHANNELS, PREFIX, Channel
from daemon.verbs import VERBS

_REF = "#/components/schemas/{model}"


def document() -> dict[str, Any]:
    """The document as JSON-able data."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for row in CHANNELS:
        if row.payload is not None:
            channels[row.name] = _channel(row, row.address, row.payload)
        else:
            for verb in VERBS.values():
                name = f"{row.name}-{verb.name}"
                channels[name] = _channel(row, row.address.replace("{verb}", verb.name), verb.command)
                operations[name] = _operation(row, name) | {
                    "summary": (verb.command.__doc__ or "").splitlines()[0],
                    "description": _proves(verb.role.value, nonce=verb.nonce, seq=verb.state_seq, control=verb.control),
                    "reply": {"channel": {"$ref": "#/channels/reply"}},
                }
            continue
        operations[row.name] = _operation(row, row.name)
    models = sorted(
        {row.payload for row in CHANNELS if row.payload} | {verb.command for verb in VERBS.values()},
        key=lambda model: model.__name__,
    )
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "coilward, one room",
            "version": "1",
            "description": "State is retained, commands never are. A command quotes the nonce of the newest heartbeat "
            "and the state_seq its person saw, and is always answered.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"schemas": dict(sorted(schemas["$defs"].items()))},
    }


def text() -> str:
    """The document as it lies in docs/."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


@cache
def document_sha256() -> str:
    """What `meta` names, so that a client knows whether it speaks the same words."""
    return hashlib.sha256(text().encode()).hexdigest()


def _channel(row: Channel, address: str, payload: type[Payload]) -> dict[str, Any]:
    name = payload.__name__
    return {
        "address": f"{PREFIX}/{address}",
        "description": row.about,
        "parameters": {level: {} for level in re.findall(r"{(\w+)}", address)},
        "messages": {name: {"payload": {"$ref": _REF.format(model=name)}}},
        "bindings": {"mqtt": {"bindingVersion": "0.2.0"}},
    }


def _operation(row: Channel, channel: str) -> dict[str, Any]:
    return {
        "action": "receive" if row.writer == "{user}" else "send",
        "channel": {"$ref": f"#/channels/{channel}"},
        "bindings": {"mqtt": {"qos": row.qos, "retain": row.retain, "bindingVersion": "0.2.0"}},
    }


def _proves(role: str, *, nonce: bool, seq: bool, control: bool) -> str:
    wanted = [name for name, needed in (("nonce", nonce), ("state_seq", seq), ("control", control)) if needed]
    return f"Role {role}. Needs {', '.join(wanted) if wanted else 'neither nonce, state_seq nor control'}."


if __name__ == "__main__":
    print(text(), end="")
