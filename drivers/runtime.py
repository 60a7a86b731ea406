"""Where the processes of one room meet on this machine: one rule, so that all of them look in the same place."""

from __future__ import annotations

import os
from pathlib import Path

from drivers.errors import ConfigError

RULE = "COILWARD_RUNTIME, else /run/coilward as root, else $XDG_RUNTIME_DIR/coilward"


def default_runtime() -> Path:
    """The folder of sockets when none is named, by `RULE`.

    ConfigError when there is none: a folder that anybody may create, in /tmp, could be somebody else's room.
    """
    if named := os.environ.get("COILWARD_RUNTIME"):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/run/coilward")
    if own := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(own) / "coilward"
    raise ConfigError(
        "No folder of sockets is named. You are not root, and XDG_RUNTIME_DIR is not set. "
        "Give --runtime DIR, the same to every process of the room, or set COILWARD_RUNTIME."
    )
