// What the room has on file, asked for when it is looked at: past sessions, a subject's dose, the journal, notes.

import { ask, knows, me, onEvent, view } from "./link.js";
import { effect, signal } from "./vendor/ui.js";

const MOST_RECENT = 6;
export const MOST_SESSIONS = 200;
export const MOST_ROWS = 400;

export const sessions = signal([]);
export const journal = signal([]);
export const historyState = signal("not-asked"); // not-asked | asking | there | refused | all
export const refusedHistory = signal(null);

/** Subjects seen lately, the newest first, each once, with what they were given. */
export const recentSubjects = signal([]);

const add = (list, more, key, most) => {
  const seen = new Set(list.map(key));
  return [...list, ...more.filter((one) => !seen.has(key(one)))].slice(0, most);
};

export async function loadSessions(before = null) {
  if (!knows("history")) return;
  historyState.value = "asking";
  const answer = await ask("history", { before, most: 50 });
  refusedHistory.value = answer.ok ? null : answer;
  if (!answer.ok) {
    historyState.value = "refused";
    return;
  }
  const found = answer.detail.sessions ?? [];
  const so_far = before === null ? [] : sessions.value;
  sessions.value = add(so_far, found, (one) => one.session, MOST_SESSIONS);
  historyState.value = found.length ? "there" : "all";
  const latest = new Map();
  for (const one of sessions.value) if (one.subject && !latest.has(one.subject)) latest.set(one.subject, one);
  recentSubjects.value = [...latest.values()].slice(0, MOST_RECENT).map((one) => ({
    subject: one.subject,
    protocol: one.protocol,
    placement: one.placement,
    at: one.at_us ? one.at_us / 1000 : null,
  }));
}

export const sessionOf = (key) => sessions.value.find((one) => one.session === key) ?? null;

export async function loadJournal({ session = null, before = null, kinds = null }) {
  const answer = await ask("read-journal", { session, before, most: 100, kinds });
  if (answer.ok) {
    const rows = answer.detail.rows ?? [];
    journal.value = before === null ? rows : [...journal.value, ...rows].slice(0, MOST_ROWS);
  }
  return answer;
}

export const loadReport = (session) => ask("read-report", { session });
export const loadDose = (subject) => ask("dose", { subject });

/** A row of the journal with its author. */
export const note = (kind, what, text) => ask("note", { kind, what, text });

/** The list is fetched once the room is known, and again when a session has ended. */
export function keepRecords() {
  let asked = false;
  effect(() => {
    const ready = view.value.known && me.value && knows("history");
    if (!ready) asked = asked && Boolean(me.value);
    if (!ready || asked) return;
    asked = true;
    loadSessions();
  });
  onEvent(({ kind }) => {
    if (kind === "ended") setTimeout(loadSessions, 1000);
  });
}
