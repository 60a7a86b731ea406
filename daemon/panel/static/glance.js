// What is read from two metres: the state word with its colour and shape, what to do now, and the figures.

import { link, me, now, view } from "./link.js";
import { HeadFromBehind, sideWord } from "./pictures/head.js";
import { Shape, useScrolling } from "./parts.js";
import { figures, isOpen, wordOf } from "./room.js";
import { site } from "./state.js";
import { coilReason, decimal, duration, language, phaseWord, reasonText, t, tenths, whole, words } from "./words.js";
import { computed, html } from "./vendor/ui.js";

export const word = computed(() => words.value && phaseWord(wordOf(view.value)));
export const shown = computed(() => figures(view.value, now.value));

export const protocolOf = (id) => site.value?.protocols.find((one) => one.id === id) ?? null;
export const sideOf = (id) => protocolOf(id)?.side ?? null;

/** What happened, what it means, what to do: of the state's own reason, else of its word. */
export const sentence = computed(() => {
  const { known, state } = view.value;
  if (!known) return { what: word.value.sentence, why: linkText(), next: "" };
  const arm = state.coil_reason ? coilReason(state.coil_reason) : null;
  const own = state.reason ? reasonText(state.reason, state.fields) : null;
  const plain = word.value.sentence;
  // A reason without a row is said in English by the room itself.
  if (!own) return { what: state.reason && language.value === "en" ? state.sentence || plain : plain, why: "", next: "" };
  const more = arm && state.coil_reason !== state.reason ? ` ${arm.what} ${arm.next}` : "";
  return { what: own.what, why: own.why, next: `${own.next || plain}${more}` };
});

function linkText() {
  const { state, tries, direct } = link.value;
  if (state === "connected") return "";
  if (state === "off" || (state === "connecting" && !tries)) return t("link-connecting");
  return direct ? t("link-lost") : t("link-gone");
}

/** Letters beyond which a word is set smaller: the band keeps its height, so that nothing beneath it moves. */
const LONG = 12;

export function StateBand() {
  const text = useScrolling();
  return html`
    <header class="band" data-colour=${word.value.colour} data-test="band">
      <${Shape} shape=${word.value.shape} size=${72} />
      <h1 class="band-word" data-long=${word.value.word.length > LONG ? "yes" : "no"}>
        <span role="status" data-test="state" data-phase=${wordOf(view.value).filter(Boolean).join(":")}>${word.value.word}</span>
      </h1>
      <div class="band-text" data-test="sentence" ref=${text}>
        <p class="what">${sentence.value.what} ${sentence.value.why}</p>
        ${sentence.value.next && html`<p class="next"><b>${t("glance-next")}:</b> ${sentence.value.next}</p>`}
      </div>
    </header>`;
}

/** Of the longest word, as its size goes by them. */
function lettersOf(value) {
  const longest = Math.max(...String(value).split(" ").map((one) => one.length));
  return longest <= 4 ? "few" : longest <= 8 ? "some" : "many";
}

const Tile = ({ test, label, value, unit, note, wide, tone }) => html`
  <div class=${`tile ${wide ? "wide" : ""}`} data-test=${test} data-tone=${tone}>
    <div class="tile-label">${label}</div>
    <div class="tile-value"><b data-letters=${lettersOf(value)}>${value}</b>${unit && html` <span>${unit}</span>`}</div>
    ${note && html`<div class="tile-note">${note}</div>`}
  </div>`;

export function Glance() {
  const at = shown.value;
  if (!at) return html`<section class="glance unknown" data-test="glance-unknown">
    <p class="big">${word.value.word}</p><p>${word.value.sentence}</p><${Heard} /></section>`;
  const { state } = view.value;
  const next = at.nextMs === null ? null : `${decimal(at.nextMs / 1000, at.nextMs < 10000 ? 1 : 0)}`;
  return html`
    <section class="glance" aria-label=${t("glance-state")} data-test="glance">
      <${Tile} test="train" label=${t("glance-train-label")}
        value=${at.trains ? whole(at.train) : "–"} unit=${at.trains && `/ ${whole(at.trains)}`}
        note=${at.leftMs === null || !isOpen(state) ? null : t("glance-time-left", { time: duration(at.leftMs) })} />
      <${Tile} test="pulses" label=${t("history-pulses")}
        value=${at.planned === null ? "–" : whole(at.settled)} unit=${at.planned !== null && `/ ${whole(at.planned)}`} />
      <${Tile} test="next-train" label=${t("glance-next-train-label")} value=${next ?? "–"} unit=${next && "s"} />
      <${Tile} test="intensity" label=${t("glance-intensity")} value=${tenths(at.level)} unit=${at.level !== null && t("glance-percent-mso")}
        note=${at.intensity === null ? null : `${tenths(at.intensity)} ${t("glance-percent-rmt")}`} />
      <${OnTarget} arm=${at.arm} />
      <${Tile} test="temperature" label=${t("glance-temperature")} value=${tenths(at.temperature)} unit=${at.temperature !== null && "°C"}
        tone=${at.temperature >= 380 ? "warn" : undefined} />
      <${Withheld} at=${at} />
      <${Who} state=${state} />
    </section>`;
}

function OnTarget({ arm }) {
  const label = t("glance-target");
  if (!arm) return html`<${Tile} test="on-target" label=${label} value="–" note=${t("glance-no-tracker")} />`;
  const off = arm.mm === null ? null : t("glance-off-target", { mm: decimal(arm.mm), degrees: decimal(arm.deg) });
  const row = arm.linked ? phaseWord(["coil", arm.state]) : phaseWord(["no_arm", null]);
  const value = arm.on ? t("glance-on-target") : row.word;
  const why = !arm.on && arm.why ? coilReason(arm.why)?.what : null;
  const note = arm.on && arm.mm !== null ? `${decimal(arm.mm)} mm, ${decimal(arm.deg)}°` : (why ?? off);
  return html`<${Tile} test="on-target" label=${label} value=${value} note=${note} tone=${arm.on ? "good" : "warn"} />`;
}

/** Why no pulse goes out now, and pulses nobody can vouch for. */
function Withheld({ at }) {
  const unknown = at.unknown ? t("glance-unknown", { count: whole(at.unknown) }) : null;
  const why = at.holds.map((hold) => reasonText(hold)?.what ?? hold).join(" ");
  return html`<${Tile} wide test="withheld" label=${t("glance-withheld-label")}
    value=${why || unknown ? "" : t("none")} tone=${why || unknown ? "warn" : undefined}
    note=${html`${why && html`<span data-test="withheld-why">${why}</span>`}
      ${unknown && html`<strong data-test="unknown-pulses">${unknown}</strong>`}`} />`;
}

function Who({ state }) {
  const side = sideOf(state.protocol);
  return html`
    <div class="tile wide visit" data-test="visit">
      ${state.protocol && html`<${HeadFromBehind} side=${side} size=${84} />`}
      <div>
        ${side && html`<div class="side-word" data-test="side">${sideWord(side)}</div>`}
        <div data-test="shown-subject">${t("glance-subject")}: <b>${state.subject ?? "–"}</b></div>
        <div data-test="shown-protocol">${t("glance-protocol")}: <b>${state.protocol ?? "–"}</b></div>
        <div data-test="holder">${holderText(state)}</div>
      </div>
    </div>`;
}

export function holderText(state) {
  if (!state.holder) return t("glance-holder-none");
  return state.holder === me.value?.user ? t("glance-holder-you") : t("glance-holder", { user: state.holder });
}

/** How long ago the room was heard: in a remote view, the delay. */
export function Heard() {
  const { age } = view.value;
  const text = age === null ? t("link-connecting") : t("link-last-heard", { seconds: decimal(age / 1000) });
  return html`<span class="heard" data-test="heard">${text}</span>`;
}
