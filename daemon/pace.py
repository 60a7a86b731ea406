"""How a session paces itself: what is begun how long before a pulse, and how long each step may take."""

from __future__ import annotations

from typing import Final

from drivers.quantities import SECOND_US

LEAD_US: Final = 3 * SECOND_US
"""A countdown precedes the first pulse after every release, and after every hold over 3 s (engineering choice)."""
PREPARE_US: Final = 2_600_000
"""Settings begin this long before a train: six exchanges at 9600 baud, before arming."""
ARM_US: Final = 2 * SECOND_US
"""Arming comes at most this long before the train; a Rapid is READY within 1.1 s (magpy-tms 1.4 waits as long)."""
ASK_US: Final = 80_000
"""A permit is asked this long before the first pulse: a durable reservation takes some 10 ms, and the watchdog judges
the gap when it is asked, with 0.1 s of tolerance."""
SETTLE_IN_US: Final = 600_000
"""From READY, or from a short gap's end, to the permit: the time for two read-backs."""
ASK_BLOCK_US: Final = 300_000
"""A block is asked this long before its first pulse; its times are judged, not the time it is asked."""
FIRST_OFFSET_US: Final = 200_000
"""A block on the watchdog's timer begins this long after its grant: ASK_BLOCK_US less the time a grant takes."""
NEXT_BLOCK_US: Final = 3 * SECOND_US
"""The next block is asked this long before the last pulse of the running one."""
PARK_GAP_US: Final = 4 * SECOND_US
"""From this gap on the stimulator stands disarmed between trains, by the watchdog's hand."""
HOLD_S: Final = 1.0
"""A hold with no event of its own is tried again after this dwell."""
SETTLE_S: Final = 5.0
"""Longest a settlement may take after a train's planned end; after that its pulses are unknown."""
WORD_US: Final = 100_000
"""How much later than a refusal on the stimulator's line the watchdog's reason for it may be heard."""
FRUITLESS: Final = 3
"""Attempts in a row that deliver nothing before the session pauses."""
STEP_S: Final = 3.0
"""Deadline of one step with the stimulator: a Rapid charges within 1.1 s, an exchange ends within 0.3 s."""
COIL_S: Final = 2.0
"""How long an armed stimulator waits for the coil to come back: the watchdog disarms one that stands armed for 5 s."""
LOOK_S: Final = 0.05
"""How often a waiting session looks for what it waits for, where nobody tells it."""
ABSENT_US: Final = 10 * SECOND_US
"""A coil that was on its target and stays away longer is waited for by a person (design §7)."""
APPROACH_US: Final = 120 * SECOND_US
"""For the arm's way from its parking place to the head, and for the head to hold still (engineering choice)."""
