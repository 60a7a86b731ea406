// Alarms where they are always seen: one strip of fixed height under the state, the gravest one in it; all of them and
// their log on a page of their own.

import { me, now, view } from "./link.js";
import { Button } from "./parts.js";
import { acknowledge, causes, ordered, sounding, update } from "./alarm_rules.js";
import { page } from "./state.js";
import { allowSound, blocked, sound } from "./sound.js";
import { emergencyOn } from "./emergency.js";
import { stop } from "./stop.js";
import { phaseWord, reasonText, t, timeOfDay, whole } from "./words.js";
import { computed, effect, html, signal } from "./vendor/ui.js";

const MUTE_MS = 120000;
const GRACE_MS = 2000; // a page that has just opened knows nothing yet, and that is no alarm

const alarms = signal({ standing: new Map(), log: [] });
const mutedUntil = signal(0);
const phase = { name: null, since: 0 };
let signedInAt = 0;

export const list = computed(() => ordered(alarms.value.standing));
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export function keepAlarms() {
  let last = [];
  effect(() => {
    const at = now.value;
    const seen = view.value;
    if (!me.value || !signedInAt) signedInAt = at;
    const name = seen.state?.phase ?? null;
    if (name !== phase.name) Object.assign(phase, { name, since: at });
    if (!me.value || at - signedInAt < GRACE_MS) return;
    const found = causes({ view: seen, stop: stop.value, emergency: emergencyOn(), since: phase.since, now: at });
    if (!same(found, last)) {
      last = found;
      alarms.value = update(alarms.peek(), found, at);
    }
    const heard = sounding(alarms.peek().standing);
    sound(heard && at >= mutedUntil.peek() ? heard.severity : null, at);
  });
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, allowSound, { capture: true });
}

export function alarmText(alarm) {
  const told = alarm.reason ? reasonText(alarm.reason) : null;
  if (told) return [told.what, told.next].filter(Boolean).join(" ");
  if (alarm.key) return t(alarm.key);
  if (!alarm.word) return alarm.reason ?? alarm.id;
  const { word, sentence } = phaseWord(alarm.word);
  return `${word}. ${sentence}`;
}

const see = (alarm) => {
  alarms.value = acknowledge(alarms.value, alarm.id, me.value.user, now.value);
};

const Mute = () => {
  const left = mutedUntil.value - now.value;
  return left > 0
    ? html`<span class="muted" data-test="muted">${t("alarm-muted", { seconds: whole(left / 1000) })}</span>`
    : html`<button type="button" class="button small" data-test="mute"
        onClick=${() => (mutedUntil.value = now.value + MUTE_MS)}>${t("alarm-mute")}</button>`;
};

export function AlarmStrip() {
  const [first] = list.value;
  const unseen = list.value.filter((one) => !one.seen);
  const shown = unseen[0] ?? first;
  return html`
    <section class="alarm-strip" aria-label=${t("alarm-title")} data-severity=${shown?.severity ?? "none"} data-seen=${shown?.seen ? "yes" : "no"}
      data-test="alarm-strip" data-alarm=${shown?.id}>
      <div class="alarm-text" role="alert">
        ${shown ? html`<b>${t(`alarm-${shown.severity}`)}</b> ${alarmText(shown)} ${shown.gone && t("alarm-gone", { time: timeOfDay(shown.gone) })}` : null}
      </div>
      ${!shown && html`<span class="quiet">${t("alarm-none")}</span>`}
      ${shown && html`<span class="alarm-buttons">
        ${list.value.length > 1 && html`<button type="button" class="button small" data-test="alarms-more"
          onClick=${() => (page.value = "alarms")}>+${list.value.length - 1}</button>`}
        <${Mute} />
        ${!shown.seen && html`<button type="button" class="button small strong" data-test="acknowledge"
          onClick=${() => see(shown)}>${t("alarm-acknowledge")}</button>`}
      </span>`}
    </section>`;
}

const seenText = (one) =>
  one.seen ? t("alarm-acknowledged", { user: one.seen.by, time: timeOfDay(one.seen.at) }) : null;

export const AlarmsPage = () => html`
  <main class="page" data-test="alarms-page">
    <h1>${t("alarm-title")}</h1>
    ${blocked() && html`<p class="why" data-test="sound-blocked">${t("alarm-sound-blocked")}</p>`}
    ${!list.value.length && html`<p>${t("alarm-none")}</p>`}
    <ul class="alarm-list" data-test="alarm-list">
      ${list.value.map((one) => html`
        <li key=${one.id} data-severity=${one.severity} data-seen=${one.seen ? "yes" : "no"}>
          <b>${t(`alarm-${one.severity}`)}</b> <time>${timeOfDay(one.at)}</time> ${alarmText(one)}
          ${one.gone && html`<small>${t("alarm-gone", { time: timeOfDay(one.gone) })}</small>`}
          ${one.seen
            ? html`<small>${seenText(one)}</small>`
            : html`<${Button} test=${`acknowledge-${one.id}`} label=${t("alarm-acknowledge")} onPress=${() => see(one)} />`}
        </li>`)}
    </ul>
    <h2>${t("alarm-log")}</h2>
    <table class="table" data-test="alarm-log"><tbody>
      ${alarms.value.log.map((one, index) => html`
        <tr key=${index}><td>${timeOfDay(one.at)}</td><td>${t(`alarm-${one.severity}`)}</td><td>${alarmText(one)}</td>
          <td>${seenText(one)}</td></tr>`)}
    </tbody></table>
  </main>`;
