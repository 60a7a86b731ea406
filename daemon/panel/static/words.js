// The words of one language at a time, from /words/<language>.json. What has no row is shown as it is called, so that
// nothing an operator has to read is ever an empty place.

import { figuresOf, fill } from "./filling.js";
import { computed, signal } from "./vendor/ui.js";

const KEPT = "coilward-language";
export const words = signal(null);
export const language = signal("en");

const figure = computed(() => figuresOf(words.value ?? {}));

/** A label of the page's own. */
export const t = (key, fields) => fill(words.value?.ui?.[key] ?? key, fields);

export function firstLanguage(languages) {
  const asked = new URLSearchParams(location.hash.slice(1)).get("language");
  const wished = [asked, localStorage.getItem(KEPT), ...navigator.languages.map((one) => one.slice(0, 2))];
  return wished.find((one) => languages.includes(one)) ?? languages[0];
}

export async function speak(wanted) {
  const answer = await fetch(`/words/${wanted}.json`);
  if (!answer.ok) throw new Error(`/words/${wanted}.json: ${answer.status}`);
  words.value = await answer.json();
  language.value = wanted;
  localStorage.setItem(KEPT, wanted);
  document.documentElement.lang = wanted;
}

/** {word, colour, shape, sentence} of `[table, name]` as `wordOf` in room.js gives it. */
export function phaseWord([table, name]) {
  const found = name === null ? words.value[table] : words.value[table]?.[name];
  return found ?? { word: String(name ?? table).toUpperCase(), colour: "yellow", shape: "triangle", sentence: "" };
}

function filled(row, fields) {
  const say = (text) => fill(text, fields, figure.value);
  return { what: say(row.what), why: say(row.why), next: say(row.next) };
}

/** {what, why, next} of a reason of the room's, the watchdog's or the arm's; null when it has no row. */
export function reasonText(reason, fields = {}) {
  const row = words.value.reasons[reason] ?? words.value.coil_reasons[reason];
  return row ? filled(row, fields) : null;
}

export const coilReason = (reason) => words.value.coil_reasons[reason] ?? null;

/** What a refusal says to a person, in their language where there is a row for it. */
export function answerText(answer) {
  if (answer.code === "local") return { what: t(answer.reason), why: "", next: "" };
  const own = reasonText(answer.reason, answer.fields ?? {});
  const complete = own && !/\{[a-z_]+\}/.test(`${own.what}${own.why}${own.next}`);
  return complete ? own : (answer.sentence ?? own ?? { what: answer.reason || answer.code, why: "", next: "" });
}

export const outcome = (name) => words.value.outcomes[name] ?? name;

// --- figures ---------------------------------------------------------------------------------------------------------

/** 24 hours and the day before the month, in English too. */
const LOCALE = { en: "en-GB" };
const locale = () => LOCALE[language.value] ?? language.value;

const formats = {}; // making one takes longer than everything else about a figure

function number(value, digits) {
  const name = `${locale()} ${digits}`;
  formats[name] ??= new Intl.NumberFormat(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return formats[name].format(value);
}

export const whole = (value) => (value == null ? "–" : number(value, 0));
export const decimal = (value, digits = 1) => (value == null ? "–" : number(value, digits));
export const tenths = (value) => (value == null ? "–" : number(value / 10, value % 10 ? 1 : 0));

/** 4:05, or 12 s below a minute. */
export function duration(ms) {
  if (ms == null) return "–";
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} min`;
}

export const timeOfDay = (ms) =>
  new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(ms);

export const dateAndTime = (ms) =>
  new Intl.DateTimeFormat(locale(), { dateStyle: "short", timeStyle: "short" }).format(ms);
