// Which alarms stand, from what is known now: pure. An alarm latches until its cause is gone and a person has seen it.

import { isOpen } from "./room.js";

const WARM_TENTHS = 380;
const HELD_MS = 3000;
export const MOST_LOGGED = 200;
export const RANK = { high: 3, medium: 2, low: 1 };

/** [{id, severity, reason?, key?}] of causes that hold now. `since`: when the present phase began. */
export function causes({ view, stop, emergency, since, now }) {
  const found = [];
  const put = (id, severity, more) => found.push({ id, severity, ...more });
  if (stop?.state === "not-confirmed") put("stop-not-confirmed", "high", { key: "alarm-stop-not-confirmed" });
  if (emergency) put("emergency", "high", { key: "emergency-title" });
  if (!view.known) {
    put("unknown", view.wasOpen ? "high" : "low", { word: ["unknown", null] });
    return found;
  }
  const { state, watchdog, arm } = view;
  const open = isOpen(state);
  const status = watchdog?.status ?? {};
  if (state.trip) put(`trip-${state.trip.reason}`, "high", { reason: state.trip.reason });
  if (status.phase === "lockout") put("lockout", "high", { word: ["lockout", null] });
  if (state.unknown.length) put("unknown-pulses", "high", { word: ["phases", "unknown-pulses"] });
  if (!state.linked) put("watchdog-lost", open ? "high" : "medium", { reason: "watchdog-lost" });
  if (open && state.phase === "paused" && state.reason && state.reason !== "pause-asked")
    put(`paused-${state.reason}`, "medium", { reason: state.reason });
  if (state.phase === "held" && now - since > HELD_MS)
    put("held", "medium", { reason: state.reason ?? state.holds[0], word: ["phases", "held"] });
  if ((status.device?.temperature_tenths ?? 0) >= WARM_TENTHS) put("coil-warm", "medium", { key: "alarm-coil-warm" });
  if (arm && arm.state === "fault") put("arm-fault", "medium", { reason: "coil-fault", word: ["coil", "fault"] });
  if (arm && !arm.linked) put("arm-lost", open ? "medium" : "low", { reason: "arm-lost" });
  if (!open && state.linked && state.stimulator === "away") put("no-stimulator", "low", { word: ["no_stimulator", null] });
  return found;
}

/** The alarms after a look at the causes: {standing: Map id → alarm, log: newest first}. */
export function update({ standing, log }, found, now) {
  const next = new Map();
  let entries = log;
  for (const cause of found) {
    const before = standing.get(cause.id);
    const rises = !before || before.gone || RANK[cause.severity] > RANK[before.severity];
    next.set(cause.id, rises ? { ...cause, at: now, seen: null, gone: null } : { ...before, ...cause, gone: null });
    if (rises) entries = [{ ...cause, at: now }, ...entries].slice(0, MOST_LOGGED);
  }
  for (const [id, alarm] of standing) {
    if (next.has(id) || alarm.seen || alarm.severity === "low") continue;
    next.set(id, { ...alarm, gone: alarm.gone ?? now });
  }
  return { standing: next, log: entries };
}

export function acknowledge({ standing, log }, id, by, now) {
  const alarm = standing.get(id);
  if (!alarm) return { standing, log };
  const next = new Map(standing);
  if (alarm.gone) next.delete(id);
  else next.set(id, { ...alarm, seen: { by, at: now } });
  const told = log.map((entry) => (entry.id === id && !entry.seen ? { ...entry, seen: { by, at: now } } : entry));
  return { standing: next, log: told };
}

/** The gravest first, those nobody has seen before those that were. */
export const ordered = (standing) =>
  [...standing.values()].sort((a, b) => Boolean(a.seen) - Boolean(b.seen) || RANK[b.severity] - RANK[a.severity] || b.at - a.at);

/** What should be heard: the gravest alarm that still stands and that nobody has acknowledged. */
export const sounding = (standing) => ordered(standing).find((one) => !one.seen && !one.gone && one.severity !== "low") ?? null;
