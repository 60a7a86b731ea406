"""A pseudo-terminal that stands for a serial port. A real line forgets its last client; a pseudo-terminal does not."""

from __future__ import annotations

import os
import select
import tty
from pathlib import Path


class LinkedTerminal:
    """The device's end of a pseudo-terminal whose other end is found at `link`: raw, and a fresh one for each client.

    What a client did to its terminal outlives the client there: cooked modes, stopped output (TCOOFF), bytes that it
    did not read, and the exclusive mark (TIOCEXCL), which shuts out every user but root. The next one gets another.
    """

    def __init__(self, link: Path) -> None:
        """Opens it and puts its name at `link`, in the place of whatever stands there. Raises OSError."""
        self._link = link
        self.master, self._name = _raw()
        try:
            self._lead_to(self._name)
        except OSError:
            os.close(self.master)
            raise

    def renew(self) -> bool:
        """After a hang-up: a fresh terminal at the link, which is never missing. False when the old one stays.

        That one stays for a program that opened it in the meantime: one that closes and opens its port at once would
        otherwise be hung up on, one time in three. Raises OSError, and the old one stays, where the machine has no
        terminal or descriptor left.
        """
        fresh, name = _raw()
        try:
            self._lead_to(name)
            if self.has_client():
                self._lead_to(self._name)
                os.close(fresh)
                return False
        except OSError:
            os.close(fresh)
            raise
        os.close(self.master)
        self.master, self._name = fresh, name
        return True

    def has_client(self) -> bool:
        """Whether any program has the other end open."""
        hang_up = select.poll()
        hang_up.register(self.master, 0)
        return not hang_up.poll(0)

    def close(self) -> None:
        """Takes the link away and hangs up on whoever is there."""
        self._link.unlink(missing_ok=True)
        os.close(self.master)

    def _lead_to(self, name: str) -> None:
        fresh = self._link.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(name)
        fresh.replace(self._link)


def _raw() -> tuple[int, str]:
    """A master that nothing waits on, and the name of its other end."""
    master, other_end = os.openpty()
    os.set_blocking(master, False)
    tty.setraw(other_end)
    name = os.ttyname(other_end)
    os.close(other_end)
    return master, name
