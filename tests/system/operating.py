"""What an operator of a simulated room does to have a subject treated."""

from __future__ import annotations

from daemon.cli.conduct import begin, take_control
from daemon.client import RoomClient
from daemon.config import Site
from daemon.simulated_room import new_subject
from tests.system.processes import START_S


async def treat(operator: RoomClient, site: Site, protocol: str, subject: str | None = None) -> None:
    """Opens and releases a session once the stimulator stands ready; of a subject nobody has had, unless named."""
    await operator.until(lambda view: view.state.linked and view.state.stimulator == "standby", START_S)
    await take_control(operator)
    subject = await new_subject(operator, site, subject)
    opened = await operator.ask("start", subject=subject, protocol=protocol, placement="there is no head")
    assert opened.ok, opened
    released = await begin(operator, "release", str(opened.detail["hash"]))
    assert released.ok, released
