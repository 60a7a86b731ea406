// The page's side of the worker: what was heard, what is asked, and how old it is.

import { clock } from "./clock.js";
import { hear, nothing, view as viewOf } from "./room.js";
import { batch, computed, signal } from "./vendor/ui.js";

export const link = signal({ state: "off" });
export const me = signal(null); // {user, role}
export const room = signal(nothing());
export const now = signal(clock());
export const view = computed(() => viewOf(room.value, now.value));

const followers = new Set();
const urgentFollowers = new Set();
const waiting = new Map();
let asks = 0;
let verbs = {};

/** A verb's time in the room, where it is more than the usual. */
const DEADLINE_MS = { start: 20000, continue: 20000, end: 25000 };
const USUAL_MS = 5000;

const worker = new Worker("/app/worker.js", { type: "module" });
worker.onerror = () => {
  link.value = { state: "lost", why: "worker" };
};
worker.onmessage = ({ data }) => HEARD[data.say]?.(data);

/** What comes between two pictures is taken in together, at the next; in the background, where none is drawn, at once. */
const unheard = [];
const hearing = new MessageChannel();
const takeIn = () =>
  batch(() => {
    room.value = unheard.splice(0).reduce(hear, room.value);
    now.value = clock();
  });
hearing.port1.onmessage = takeIn;
document.addEventListener("visibilitychange", takeIn);

function heardState(data) {
  if (unheard.push(data) > 1) return;
  if (document.hidden) hearing.port2.postMessage(null);
  else requestAnimationFrame(takeIn);
}

const HEARD = {
  ping() {
    worker.postMessage({ do: "pong" });
    now.value = clock();
  },
  link(data) {
    link.value = data;
    if (data.state === "refused") signedOut();
  },
  heard(data) {
    if (data.channel === "event") {
      if (data.payload) followers.forEach((follow) => follow(data.payload, data.at));
      return;
    }
    heardState(data);
  },
  missed({ count }) {
    followers.forEach((follow) => follow({ kind: "missed", detail: { count } }, clock()));
  },
  answer({ ask: number, answer }) {
    if (typeof number === "string") urgentFollowers.forEach((follow) => follow({ say: "answer", number, answer }));
    const settle = waiting.get(number);
    waiting.delete(number);
    settle?.(answer);
  },
  direct: (data) => urgentFollowers.forEach((follow) => follow(data)),
  urgent: (data) => urgentFollowers.forEach((follow) => follow(data)),
};

// Should the worker die, or pictures stop, it still has to show.
setInterval(takeIn, 250);

export const onEvent = (follow) => followers.add(follow);
export const onUrgent = (follow) => urgentFollowers.add(follow);

export function signIn(site, { user, password, role }) {
  verbs = site.verbs;
  unheard.length = 0;
  me.value = { user, role: role ?? null };
  room.value = nothing();
  worker.postMessage({ do: "connect", user, password, room: site.room });
}

export function signedOut() {
  me.value = null;
  worker.postMessage({ do: "leave" });
}

/** Asks for a verb; `seen` is the state_seq its person decided on. Resolves to the answer, also to a refusal. */
export function ask(verb, fields = {}, seen = view.value.state?.state_seq ?? null) {
  const number = (asks += 1);
  const needs = verbs[verb] ?? { nonce: true, state_seq: true };
  const deadline = DEADLINE_MS[verb] ?? USUAL_MS;
  worker.postMessage({ do: "ask", ask: number, verb, fields, needs, seen, deadline });
  return new Promise((settle) => waiting.set(number, settle));
}

/** STOP or Emergency; returns the number under which answers come. */
export function urgently(verb, fields = {}) {
  const number = (asks += 1);
  worker.postMessage({ do: "urgent", verb, number, fields });
  return number;
}

export const enough = (number) => worker.postMessage({ do: "confirmed", number });
export const here = (present) => worker.postMessage({ do: "here", here: present });
export const knows = (verb) => verb in verbs;
