import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST_EVENTS, Outbox } from "../../../../daemon/panel/static/outbox.js";
import { hearTrain, MOST_TRAINS, noTrains, Ring } from "../../../../daemon/panel/static/pictures/rings.js";
import { heard } from "./messages.mjs";

test("a ring gives its points in order and forgets the oldest", () => {
  const ring = new Ring(2, 3);
  for (const at of [1, 2, 3, 4]) ring.put(at, at * 10);

  assert.deepEqual(ring.since(0), [[2, 3, 4], [20, 30, 40]]);
  assert.deepEqual(ring.since(4), [[4], [40]]);
});

test("a value that is not known is a gap, not a zero", () => {
  const ring = new Ring(2, 3);
  ring.put(1, null);

  assert.deepEqual(ring.since(0), [[1], [null]]);
});

test("a session's trains are counted by what the room booked, and bounded", () => {
  let account = hearTrain(noTrains(), { kind: "opened", detail: { session: "aa" } });
  for (let train = 1; train <= MOST_TRAINS + 5; train += 1)
    account = hearTrain(account, { kind: "train", detail: { train, pulses: 40, commanded: 40, unknown: 0 } });

  assert.equal(account.session, "aa");
  assert.equal(account.trains.size, MOST_TRAINS);
  assert.deepEqual(account.trains.get(MOST_TRAINS), { pulses: 40, commanded: 40, unknown: 0 });
});

test("a pulse is delivered, withheld or in doubt", () => {
  const pulse = (number, verdict, flags = []) => ({ kind: "pulse", detail: { train: 1, pulse: number, verdict, flags } });
  const account = [pulse(0, "delivered"), pulse(1, "left-out"), pulse(2, "cut", ["missed"]), pulse(3, "unknown")].reduce(hearTrain, noTrains());

  assert.deepEqual(account.pulses.map((one) => one.fate), ["delivered", "withheld", "withheld", "unknown"]);
});

test("while the page hangs, states are kept in their newest two and events up to a bound", () => {
  const posted = [];
  const outbox = new Outbox((message) => posted.push(message));
  for (let n = 0; n < 1000; n += 1) outbox.put(heard("room", { state_seq: n }), true);
  for (let n = 0; n < MOST_EVENTS + 10; n += 1) outbox.put(heard("event", { kind: "pulse" }), true);

  assert.equal(posted.length, 0);
  outbox.flush();
  assert.deepEqual(posted.slice(0, 2).map((one) => one.payload.state_seq), [998, 999]);
  assert.equal(posted.length, 2 + MOST_EVENTS + 1);
  assert.deepEqual(posted.at(-1), { say: "missed", count: 10 });
});

test("while the page answers, everything goes at once", () => {
  const posted = [];
  new Outbox((message) => posted.push(message)).put(heard("room", {}), false);

  assert.equal(posted.length, 1);
});
