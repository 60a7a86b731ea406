import assert from "node:assert/strict";
import { test } from "node:test";
import { figures, hear, isOpen, nothing, step, timeLeft, view, wordOf } from "../../../../daemon/panel/static/room.js";
import { AT, beat, heard, progress, running, state } from "./messages.mjs";

const after = (...messages) => messages.reduce(hear, nothing());
const me = { user: "olga", role: "operator" };
const draft = { subject: null, checks: {}, placed: false, closed: [] };

test("a room is known while a heartbeat of the last second vouches for its state", () => {
  const room = after(heard("room", state()), beat());

  assert.equal(view(room, AT + 1000).known, true);
  assert.equal(view(room, AT + 1001).known, false);
});

test("what was known is not shown once the heartbeat is silent, only that a session was open", () => {
  const room = after(heard("room", running()), heard("progress", progress()), beat());

  const seen = view(room, AT + 2000);

  assert.deepEqual(wordOf(seen), ["unknown", null]);
  assert.equal(figures(seen, AT + 2000), null);
  assert.equal(seen.state, null);
  assert.equal(seen.wasOpen, true);
});

test("a state nobody vouches for is unknown, and its successor on the way in hides nothing", () => {
  const ahead = after(heard("room", state()), beat(), heard("room", state({ state_seq: 8, phase: "gap" })));

  assert.equal(view(ahead, AT).state.phase, "idle");
  assert.equal(view(hear(ahead, beat(8)), AT).state.phase, "gap");
  assert.equal(view(hear(ahead, beat(9)), AT).known, false);
});

test("a payload that cannot be read leaves the room unknown", () => {
  const room = after(heard("room", state()), beat(), heard("room", null), heard("room", null));

  assert.equal(view(room, AT).known, false);
});

test("the countdown runs on between messages and stops at nothing", () => {
  const seen = view(after(heard("room", running()), heard("progress", progress()), beat()), AT);

  assert.equal(figures(seen, AT).nextMs, 4000);
  assert.equal(figures(seen, AT + 1500).nextMs, 2500);
  assert.equal(figures(seen, AT + 9000).nextMs, 0);
  const over = running({ phase: "ended-early" });
  assert.equal(figures(view(after(heard("room", over), heard("progress", progress()), beat()), AT), AT).nextMs, null);
});

test("time left counts the trains to come with their gaps", () => {
  const plan = [
    { trains: 1, pulses: 11, rate_tenths: 100, gap_us: 0 },
    { trains: 2, pulses: 11, rate_tenths: 100, gap_us: 5_000_000 },
  ];
  const at = { ...progress(), at: AT };

  assert.equal(timeLeft(running({ understood: { plan } }), at, AT), 1000 + 4000 + 1000 + 5000);
  assert.equal(timeLeft(running(), at, AT), null);
});

test("lockout, emergency and an absent stimulator have words of their own, before the phase", () => {
  const locked = after(heard("room", state()), heard("watchdog", { state_seq: 7, status: { phase: "lockout" } }), beat());
  const emergency = after(heard("room", running({ emergency: { at_us: 1 }, linked: false })), beat());
  const away = after(heard("room", state({ stimulator: "away" })), beat());

  assert.deepEqual(wordOf(view(locked, AT)), ["lockout", null]);
  assert.deepEqual(wordOf(view(emergency, AT)), ["emergency", null]);
  assert.deepEqual(wordOf(view(away, AT)), ["no_stimulator", null]);
  const tripped = after(heard("room", state({ phase: "done", trip: { reason: "x" } })), beat());
  const doubt = after(heard("room", state({ phase: "done", unknown: [3] })), beat());
  assert.deepEqual(wordOf(view(tripped, AT)), ["phases", "tripped"]);
  assert.deepEqual(wordOf(view(doubt, AT)), ["phases", "unknown-pulses"]);
  const alone = after(heard("room", state({ linked: false, stimulator: "away" })), beat());
  assert.deepEqual(wordOf(view(alone, AT)), ["no_watchdog", null]);
});

test("each state asks for its own next step", () => {
  const next = (fields, mine = me, so_far = draft) => step(view(after(heard("room", state(fields)), beat()), AT), mine, so_far);
  const open = { session: "aa", holder: "olga" };

  assert.equal(next({}), "control");
  assert.equal(next({ holder: "otto", offered_to: "olga" }), "offered");
  assert.equal(next({ holder: "olga" }), "subject");
  assert.equal(next({ holder: "olga" }, { user: "olga", role: "viewer" }), "viewer");
  assert.equal(next({ ...open, phase: "positioning" }), "release");
  assert.equal(next({ ...open, phase: "train" }), "run");
  assert.equal(next({ ...open, phase: "paused" }), "paused");
  assert.equal(next({ ...open, phase: "tripped", holder: null }), "tripped");
  assert.equal(next({ ...open, phase: "unknown-pulses" }), "unknown-pulses");
  assert.equal(next({ ...open, phase: "done" }), "finish");
  assert.equal(next({ ...open, phase: "done" }, me, { ...draft, closed: ["aa"] }), "subject");
  assert.equal(next({ holder: "olga", continuable: "bb" }), "interrupted");
  assert.equal(next({ holder: "olga", continuable: "bb" }, me, { ...draft, closed: ["bb"] }), "subject");
});

test("before a session is opened the steps follow what has been chosen", () => {
  const at = (fields) => step(view(after(heard("room", state({ holder: "olga" })), beat()), AT), me, { ...draft, ...fields });
  const checks = { screening: {}, "hearing-protection": {}, "operator-clear": {} };

  assert.equal(at({ subject: "S-1" }), "checks");
  assert.equal(at({ subject: "S-1", checks: { screening: {} } }), "checks");
  assert.equal(at({ subject: "S-1", checks }), "place");
  assert.equal(at({ subject: "S-1", checks, placed: true }), "intensity");
});

test("a session at its end is not open", () => {
  assert.equal(isOpen(running()), true);
  for (const phase of ["done", "ended-early", "refused", "idle"]) assert.equal(isOpen(running({ phase })), false);
});
