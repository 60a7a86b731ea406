"""The whole RTDE codec, protocol version 2, under one name: bytes in, frozen dataclasses out, and back. Sans-io.

framing   size, type, payload
fields    types of values, recipes
packets   every packet of both directions
"""

from drivers.ur.fields import IN_USE, NOT_FOUND, FieldType, Recipe, Value, split_names
from drivers.ur.framing import PROTOCOL_VERSION, Kind, PacketReader, seal
from drivers.ur.packets import (
    ControllerVersion,
    Data,
    InputsAnswer,
    Level,
    OutputsAnswer,
    Pause,
    PauseAnswer,
    Reply,
    Request,
    RequestControllerVersion,
    RequestVersion,
    SetupInputs,
    SetupOutputs,
    Start,
    StartAnswer,
    Text,
    VersionAnswer,
    parse_reply,
    parse_request,
)

__all__ = [
    "IN_USE",
    "NOT_FOUND",
    "PROTOCOL_VERSION",
    "ControllerVersion",
    "Data",
    "FieldType",
    "InputsAnswer",
    "Kind",
    "Level",
    "OutputsAnswer",
    "PacketReader",
    "Pause",
    "PauseAnswer",
    "Recipe",
    "Reply",
    "Request",
    "RequestControllerVersion",
    "RequestVersion",
    "SetupInputs",
    "SetupOutputs",
    "Start",
    "StartAnswer",
    "Text",
    "Value",
    "VersionAnswer",
    "parse_reply",
    "parse_request",
    "seal",
    "split_names",
]
