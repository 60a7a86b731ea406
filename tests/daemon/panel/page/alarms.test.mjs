import assert from "node:assert/strict";
import { test } from "node:test";
import { acknowledge, causes, MOST_LOGGED, ordered, sounding, update } from "../../../../daemon/panel/static/alarm_rules.js";
import { AT, running, state } from "./messages.mjs";

const known = (fields, status = {}) => ({ known: true, wasOpen: false, state: state(fields), watchdog: { status }, arm: null });
const of = (view, more = {}) => causes({ view, stop: null, emergency: false, since: AT, now: AT, ...more }).map(({ id, severity }) => [id, severity]);
const none = { standing: new Map(), log: [] };

test("a quiet room has no alarm", () => {
  assert.deepEqual(of(known({})), []);
  assert.deepEqual(of({ ...known({}), state: running() }), []);
});

test("not to know is grave in a session, and a note without one", () => {
  assert.deepEqual(of({ known: false, wasOpen: true }), [["unknown", "high"]]);
  assert.deepEqual(of({ known: false, wasOpen: false }), [["unknown", "low"]]);
});

test("a stop that is not confirmed is an alarm although nothing is known", () => {
  const found = of({ known: false, wasOpen: true }, { stop: { state: "not-confirmed" } });

  assert.deepEqual(found[0], ["stop-not-confirmed", "high"]);
});

test("a pause that a person asked for is none; any other is", () => {
  const paused = (reason) => ({ ...known({}), state: running({ phase: "paused", reason }) });

  assert.deepEqual(of(paused("pause-asked")), []);
  assert.deepEqual(of(paused("presence-lost")), [["paused-presence-lost", "medium"]]);
});

test("a hold is an alarm once it lasts", () => {
  const held = { ...known({}), state: running({ phase: "held" }) };

  assert.deepEqual(of(held, { now: AT + 3000 }), []);
  assert.deepEqual(of(held, { now: AT + 3001 }), [["held", "medium"]]);
});

test("an alarm stays after its cause is gone until somebody has seen it", () => {
  const risen = update(none, [{ id: "trip-x", severity: "high" }], AT);
  const gone = update(risen, [], AT + 1);

  assert.equal(gone.standing.get("trip-x").gone, AT + 1);
  assert.equal(acknowledge(gone, "trip-x", "olga", AT + 2).standing.size, 0);
});

test("one that is seen stays while its cause does, silently, and sounds again when it comes again", () => {
  const cause = [{ id: "trip-x", severity: "high" }];
  const seen = acknowledge(update(none, cause, AT), "trip-x", "olga", AT + 1);
  const still = update(seen, cause, AT + 2);
  const again = update(update(still, [], AT + 3), cause, AT + 4);

  assert.equal(sounding(still.standing), null);
  assert.equal(still.standing.size, 1);
  assert.equal(sounding(again.standing).id, "trip-x");
});

test("the gravest that nobody has seen comes first", () => {
  const all = update(none, [{ id: "a", severity: "medium" }, { id: "b", severity: "high" }], AT);

  assert.deepEqual(ordered(all.standing).map((one) => one.id), ["b", "a"]);
  assert.deepEqual(ordered(acknowledge(all, "b", "olga", AT).standing).map((one) => one.id), ["a", "b"]);
});

test("the log is bounded", () => {
  let alarms = none;
  for (let n = 0; n < MOST_LOGGED + 50; n += 1) {
    alarms = update(alarms, [{ id: `x-${n}`, severity: "low" }], AT + n);
  }

  assert.equal(alarms.log.length, MOST_LOGGED);
  assert.equal(alarms.standing.size, 1);
});
