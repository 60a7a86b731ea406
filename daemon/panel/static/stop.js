// STOP, Coil away and Emergency: three fixed places at the bottom right, for everybody who is signed in.

import { clock } from "./clock.js";
import { ask, enough, me, now, onUrgent, urgently } from "./link.js";
import { hearUrgent, judge, pressed } from "./stop_news.js";
import { site, page } from "./state.js";
import { answerText, language, t } from "./words.js";
import { computed, effect, html, signal } from "./vendor/ui.js";

export const stop = signal(null);
export const emergencyPress = signal(null);
const coilAway = signal(null); // {state: "sent"|"done"|"failed", answer}

const SHOWN_MS = 15000;
const both = [stop, emergencyPress];

onUrgent((message) => {
  for (const one of both) if (one.value) one.value = judge(hearUrgent(one.value, message), clock());
});
effect(() => {
  const at = now.value;
  for (const one of both) {
    const urgent = one.peek();
    if (!urgent) continue;
    const judged = judge(urgent, at);
    if (judged !== urgent) one.value = judged;
    if (judged.state === "confirmed") enough(judged.number);
  }
});

/** When the button was last pressed, for whoever measures. */
export function pressStop() {
  stop.value = pressed("stop", urgently("stop"), clock());
}

export function pressEmergency() {
  emergencyPress.value = pressed("emergency", urgently("emergency"), clock());
  page.value = "emergency";
}

async function pressCoilAway() {
  coilAway.value = { state: "sent", at: clock() };
  const answer = await ask("coil-away");
  coilAway.value = { state: answer.ok ? "done" : "failed", answer, at: clock() };
}

/** Where the site says its red button hangs, in the language at hand. */
export const redButton = () => site.value?.red_button?.[language.value] ?? null;

export function stopText(urgent) {
  if (!urgent) return null;
  if (urgent.state === "confirmed") return t("stop-confirmed");
  if (urgent.state !== "not-confirmed") return t("stop-sent");
  if (urgent.direct === "refused") return t("stop-not-signed-in");
  const where = redButton();
  return where ? t("stop-not-confirmed", { where }) : t("stop-not-confirmed-no-button");
}

const recent = (one) => one && (one.state === "not-confirmed" || now.value - one.at < SHOWN_MS);

const news = computed(() => {
  const last = stop.value;
  const away = coilAway.value;
  if (recent(last) && (!away || last.at >= away.at || last.state === "not-confirmed"))
    return { kind: last.state, text: stopText(last), arm: armText(last.arm) };
  if (!recent(away)) return null;
  if (away.state === "sent") return { kind: "sent", text: t("coil-away-sent") };
  if (away.state === "done") return { kind: "confirmed", text: t("coil-away-done") };
  if (away.answer.reason === "no-arm") return { kind: "sent", text: t("coil-away-by-hand") };
  return { kind: "not-confirmed", text: `${t("coil-away-failed")} ${answerText(away.answer).what}` };
});

const armText = (arm) => (arm === "away" ? t("coil-away-done") : arm === "unreachable" ? t("coil-away-failed") : null);

const onKey = (act) => (event) => {
  if (event.key !== " " && event.key !== "Enter") return;
  event.preventDefault();
  if (!event.repeat) act();
};

const StopNews = () => {
  const told = news.value;
  return html`<div class="stop-news" role=${told?.kind === "not-confirmed" ? "alert" : "status"} data-test="stop-news"
    data-kind=${told?.kind ?? "none"}>
    ${told
      ? html`<strong>${told.text}</strong> ${told.arm && html`<span>${told.arm}</span>`}`
      : html`<p class="quiet">${t("stop-keys")}</p><p class="quiet">${t("stop-not-emergency-stop")}</p>`}
  </div>`;
};

const armWhy = () => {
  if (me.value?.role === "viewer") return t("flow-needs-role", { role: t("role-operator") });
  return site.value?.profile === "robot" ? null : t("coil-away-by-hand");
};

export const StopBar = () => html`
  <div class="stop-bar" data-test="stop-bar">
    <${StopNews} />
    <button type="button" class="button emergency" data-test="emergency" onClick=${pressEmergency}>
      ${t("emergency-button")}
    </button>
    <button type="button" class="button coil-away" data-test="coil-away" onClick=${pressCoilAway}>
      ${t("coil-away-button")}
      ${armWhy() && html`<small>${armWhy()}</small>`}
    </button>
    <button
      type="button"
      id="stop"
      class="button stop"
      data-test="stop"
      onPointerDown=${(event) => event.button === 0 && pressStop()}
      onKeyDown=${onKey(pressStop)}
      onClick=${(event) => event.detail === 0 && pressStop() /* assistive technology presses without a pointer */}
    >
      ${t("stop-button")}
    </button>
  </div>`;

export const focusStop = () => document.getElementById("stop")?.focus({ preventScroll: true });