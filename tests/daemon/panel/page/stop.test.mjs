import assert from "node:assert/strict";
import { test } from "node:test";
import { CONFIRM_MS, hearUrgent, judge, pressed } from "../../../../daemon/panel/static/stop_news.js";
import { AT } from "./messages.mjs";

const press = () => pressed("stop", 3, AT);
const sent = { say: "urgent", number: 3, direct: true, mqtt: true };
const direct = (told) => ({ say: "direct", told: { direct: "STOP", ...told } });
const over = (answer) => ({ say: "answer", number: "stop:3", answer });
const after = (...messages) => messages.reduce((urgent, one) => judge(hearUrgent(urgent, one), AT + 100), press());

test("sent is not confirmed", () => {
  assert.equal(after(sent).state, "sent");
  assert.equal(after(sent, direct({ watchdog: "sent" })).state, "sent");
});

test("either way's word of standby confirms", () => {
  assert.equal(after(sent, direct({ watchdog: "confirmed", arm: "none" })).state, "confirmed");
  assert.equal(after(sent, over({ ok: true, detail: { standby: true } })).state, "confirmed");
});

test("an answer without standby does not confirm", () => {
  assert.equal(after(sent, over({ ok: true, detail: {} })).state, "sent");
});

test("no way there, or no confirmation in time, is not confirmed", () => {
  const unsent = hearUrgent(press(), { ...sent, direct: false, mqtt: false });

  assert.equal(unsent.state, "sending");
  assert.equal(judge(unsent, AT + CONFIRM_MS).state, "not-confirmed");
  assert.equal(judge(after(sent), AT + CONFIRM_MS - 1).state, "sent");
  assert.equal(judge(after(sent), AT + CONFIRM_MS).state, "not-confirmed");
});

test("two refusals need not wait for the time to pass", () => {
  const both = after(sent, direct({ watchdog: "unreachable" }), over({ ok: false, code: "error", detail: {} }));

  assert.equal(both.state, "not-confirmed");
  assert.equal(after(sent, direct({ watchdog: "unreachable" })).state, "sent");
});

test("a late confirmation still counts", () => {
  const late = judge(after(sent), AT + CONFIRM_MS);

  assert.equal(judge(hearUrgent(late, direct({ watchdog: "confirmed" })), AT + 5000).state, "confirmed");
});

test("another press's answers and another word's frames change nothing", () => {
  const urgent = after(sent);

  assert.equal(hearUrgent(urgent, over({ ok: true, detail: { standby: true } })).state, "confirmed");
  assert.equal(hearUrgent(urgent, { say: "answer", number: "stop:4", answer: { ok: true, detail: { standby: true } } }), urgent);
  assert.equal(hearUrgent(urgent, { say: "direct", told: { direct: "EMERGENCY", watchdog: "confirmed" } }), urgent);
});
