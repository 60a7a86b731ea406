// What the page itself remembers: which view it shows, and what its operator has chosen so far. The draft of a visit
// survives a reload in its tab, and goes with it.

import { effect, signal } from "./vendor/ui.js";

const DRAFT = "coilward-draft";

export const site = signal(null);
export const page = signal("treat"); // treat | alarms | history | emergency | help | practice

export const freshDraft = (closed = []) => ({
  subject: null,
  returning: false,
  protocol: null,
  checks: {},
  placement: "",
  placed: false,
  threshold: null, // {value, method, pulses, sd}: declared; null: the one on file
  intensity: null, // tenths of % rMT; null: as prescribed
  closed, // sessions this person is done with
});

function kept() {
  try {
    return { ...freshDraft(), ...JSON.parse(sessionStorage.getItem(DRAFT) ?? "{}") };
  } catch {
    return freshDraft();
  }
}

export const draft = signal(kept());
effect(() => sessionStorage.setItem(DRAFT, JSON.stringify(draft.value)));

export const change = (fields) => {
  draft.value = { ...draft.value, ...fields };
};

const MOST_CLOSED = 50;

/** This person is done with a session: what follows is the next visit. */
export const closeSession = (session) => {
  draft.value = freshDraft([...draft.value.closed, session].slice(-MOST_CLOSED));
};
