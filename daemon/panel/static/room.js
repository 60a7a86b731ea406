// The room as its messages tell it, and nothing else: no clock of its own, no page. What is known of it is what a live
// heartbeat vouches for: a beat heard within a second, and the state document whose number it quotes.

export const LIVE_MS = 1000;
export const FINAL = new Set(["done", "ended-early", "refused"]);
export const AT_REST = new Set(["paused", "tripped", "unknown-pulses", "positioning", "held"]);
export const GOING = new Set(["gap", "arming", "armed", "train", "held", "stopping"]);

const DOCUMENTS = new Set(["room", "progress", "watchdog", "arm"]);

export const nothing = () => ({ beat: null, docs: {}, meta: null, practice: null });

/** The room after one message `{channel, payload, at}`; events leave it as it is. */
export function hear(room, { channel, payload, at }) {
  if (channel === "heartbeat") return { ...room, beat: { seq: payload.state_seq, nonce: payload.nonce, at } };
  if (channel === "meta") return { ...room, meta: payload };
  if (channel === "practice") return { ...room, practice: payload };
  if (!DOCUMENTS.has(channel)) return room;
  const [newest, before] = room.docs[channel] ?? [];
  const document = payload && { ...payload, at };
  // Two numbers are kept: the one the heartbeat vouches for, and its successor on the way in.
  const kept = newest && document && newest.state_seq === document.state_seq ? before : newest;
  return { ...room, docs: { ...room.docs, [channel]: [document, kept] } };
}

/** What is known at `now`. `known` false is UNKNOWN, whatever was heard before. */
export function view(room, now) {
  const age = room.beat ? Math.max(0, now - room.beat.at) : null;
  const newest = room.docs.room?.[0] ?? null;
  const unknown = { known: false, age, wasOpen: isOpen(newest), state: null, progress: null, watchdog: null, arm: null };
  if (age === null || age > LIVE_MS) return unknown;
  const at = (name) => room.docs[name]?.find((document) => document?.state_seq === room.beat.seq) ?? null;
  const state = at("room");
  if (!state) return unknown;
  const [progress, watchdog, arm] = ["progress", "watchdog", "arm"].map(at);
  return { known: true, age, wasOpen: isOpen(state), state, progress, watchdog, arm };
}

/** Whether a session is under way: opened and not at its end. */
export function isOpen(state) {
  return Boolean(state && state.session && state.phase !== "idle" && !FINAL.has(state.phase));
}

/** Which row of the words tells how the room stands, the gravest that is so: [table, name]. As `daemon.words.shown`. */
export function wordOf(view) {
  if (!view.known) return ["unknown", null];
  const { state, watchdog } = view;
  const status = watchdog?.status ?? {};
  if (state.emergency) return ["emergency", null];
  if (!state.linked) return ["no_watchdog", null];
  if (status.phase === "lockout") return ["lockout", null];
  if (state.phase !== "idle" && !FINAL.has(state.phase)) return ["phases", state.phase];
  if (state.trip) return ["phases", "tripped"];
  if (state.unknown.length) return ["phases", "unknown-pulses"];
  if (state.stimulator === "away") return [status.phase === "boot" && status.device?.present ? "boot" : "no_stimulator", null];
  return ["phases", state.phase];
}

/** Figures at a glance; what is not known is null, never an old value. */
export function figures(view, now) {
  if (!view.known) return null;
  const { state, progress, watchdog, arm } = view;
  const device = watchdog?.status?.device ?? {};
  const open = Boolean(state.session) && state.phase !== "idle";
  const counts = open && progress ? progress.counts : null;
  const until = isOpen(state) ? (progress?.next_train_in_us ?? null) : null;
  return {
    train: open && progress ? progress.train : null,
    trains: open && progress ? progress.trains : null,
    settled: counts?.settled ?? null,
    planned: counts?.planned ?? null,
    unknown: counts ? Math.max(counts.unknown, state.unknown.length) : state.unknown.length || null,
    nextMs: until === null ? null : Math.max(0, until / 1000 - (now - progress.at)),
    leftMs: open && progress && !FINAL.has(state.phase) ? timeLeft(state, progress, now) : null,
    intensity: state.intensity_tenths,
    level: state.level_tenths,
    temperature: device.temperature_tenths ?? null,
    holds: state.holds,
    arm: arm && { ...onTarget(arm), head: arm.head_speed_mm_s, frameAge: arm.frame_age_ms },
    today: watchdog?.status?.session?.today ?? null,
  };
}

function onTarget(arm) {
  const { state, why, lease, off_mm: mm, off_deg: deg, linked } = arm;
  return { linked, state, why, on: lease === "begin", near: lease === "continue", mm, deg };
}

/** Milliseconds to the last pulse if nothing comes between, or null where the plan does not say. */
export function timeLeft(state, progress, now) {
  const plan = state.understood?.plan;
  if (!Array.isArray(plan)) return null;
  let left = 0;
  let number = 0;
  for (const group of plan) {
    const lasts = group.rate_tenths ? ((group.pulses - 1) * 1e4) / group.rate_tenths : 0;
    for (let train = 0; train < group.trains; train += 1) {
      number += 1;
      if (number <= progress.train) continue;
      const waits = number === progress.train + 1 && progress.next_train_in_us !== null;
      left += lasts + (waits ? progress.next_train_in_us / 1000 - (now - progress.at) : group.gap_us / 1000);
    }
  }
  return Math.max(0, left);
}

/** What stands before the operator's eyes: the name of the flow's step. `me`: {user, role}. */
export function step(view, me, draft) {
  if (!view.known) return "unknown";
  const { state, watchdog } = view;
  if (watchdog?.status?.phase === "lockout") return "lockout";
  if (me.role === "viewer") return "viewer";
  if (state.phase === "tripped" || (!isOpen(state) && state.trip)) return "tripped";
  if (state.holder !== me.user) return state.offered_to === me.user ? "offered" : "control";
  if (state.phase === "unknown-pulses" || (!isOpen(state) && state.unknown.length)) return "unknown-pulses";
  if (isOpen(state)) return OPEN_STEPS[state.phase] ?? "run";
  if (FINAL.has(state.phase) && state.session && !draft.closed.includes(state.session))
    return state.phase === "refused" ? "subject" : "finish";
  if (state.continuable && !draft.closed.includes(state.continuable)) return "interrupted";
  return beforeOpening(view, draft);
}

const OPEN_STEPS = { checks: "opening", positioning: "release", paused: "paused" };

function beforeOpening(view, draft) {
  if (!draft.subject) return "subject";
  if (!CHECKS.every((check) => draft.checks[check])) return "checks";
  if (!draft.placed) return "place";
  return "intensity";
}

export const CHECKS = ["screening", "hearing-protection", "operator-clear"];
