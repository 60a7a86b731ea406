// After Emergency was pressed: what is confirmed, how long ago, what the site wants done, whom to call, times to note.
// It works with the broker down: the press has gone past it, the steps are the site file's own and already here, and
// the times are kept in this tab until somebody has them written into the journal.

import { ask, knows, me, now, view } from "./link.js";
import { Button, Field, refusalOf, Told, useAsk, useScrolling, waiting } from "./parts.js";
import { note } from "./records.js";
import { page, site } from "./state.js";
import { emergencyPress, pressEmergency, redButton } from "./stop.js";
import { answerText, language, t, timeOfDay } from "./words.js";
import { showReport } from "./report_state.js";
import { effect, html, signal, useState } from "./vendor/ui.js";

const KEPT = "coilward-emergency";
const MOST_STAMPS = 100;
const STAMPS = ["onset", "end", "help-called", "drug", "doctor", "other"];

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? { at: null, stamps: [] };
  } catch {
    return { at: null, stamps: [] };
  }
}

/** {at: when it was pressed here, stamps: [{what, at, noted}]} */
const record = signal(kept());
const unblocked = signal(null); // the subject whose block was ended here
effect(() => sessionStorage.setItem(KEPT, JSON.stringify(record.value)));
effect(() => {
  const pressed = emergencyPress.value;
  if (pressed && pressed.at !== record.peek().at) {
    record.value = { at: pressed.at, stamps: [] };
    unblocked.value = null;
  }
});

/** When it began: as the room says, until then by this page's own press. */
function since() {
  const { state, watchdog } = view.value;
  if (!state?.emergency || !watchdog) return record.value.at ?? now.value;
  // By the watchdog's clock, and how long ago that was by ours.
  const ago = (watchdog.status.wall_us - state.emergency.at_us) / 1000;
  return watchdog.at - Math.max(0, ago);
}

const UNTOLD_MS = 15000;

/** While the room says so; of a press here, also until the room can be expected to say so, or for as long as it is silent. */
export const emergencyOn = () => {
  const { known, state } = view.value;
  const press = emergencyPress.value;
  return Boolean(state?.emergency || (press && (!known || now.value - press.at < UNTOLD_MS)));
};

function clockText() {
  if (!view.value.state?.emergency && record.value.at === null) return "–"; // over, and not pressed here
  const seconds = Math.max(0, Math.floor((now.value - since()) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function confirmation() {
  const press = emergencyPress.value;
  const standby = view.value.watchdog?.status?.device?.condition === "standby" && !view.value.watchdog.status.disarming;
  if (press?.state === "confirmed" || (standby && (view.value.state?.emergency || !emergencyOn())))
    return { kind: "confirmed", text: t("emergency-disarmed") };
  if (press && press.state !== "not-confirmed") return { kind: "sent", text: t("emergency-sent") };
  return { kind: "not-confirmed", text: t("emergency-not-confirmed", { where: redButton() ?? t("red-button-usual") }) };
}

const coilText = () => {
  const press = emergencyPress.value;
  if (site.value.profile !== "robot" || press?.arm === "unreachable") return t("emergency-coil-by-hand");
  return t("emergency-coil-away");
};

function Stamps() {
  const asked = useAsk();
  const { stamps } = record.value;
  const list = useScrolling();
  const put = (list) => {
    record.value = { ...record.value, stamps: list.slice(-MOST_STAMPS) };
  };
  const mark = (stamp) => put(record.value.stamps.map((one) => (one.at === stamp.at ? { ...one, noted: true } : one)));
  const write = async (several) => {
    for (const stamp of several) {
      const answer = await asked.run(() => note("stamp", stamp.what, timeOfDay(stamp.at)));
      if (!answer?.ok) return;
      mark(stamp);
    }
  };
  const press = (what) => {
    const stamp = { what, at: Date.now(), noted: false };
    put([...stamps, stamp]);
    if (view.value.known && knows("note")) write([stamp]);
  };
  const left = stamps.filter((one) => !one.noted);
  return html`
    <h2>${t("stamp-title")}</h2>
    <div class="stamps" data-test="stamps">
      ${STAMPS.map((what) => html`<button type="button" class="button" key=${what} data-test=${`stamp-${what}`}
        onClick=${() => press(what)}>${t(`stamp-${what}`)}</button>`)}
    </div>
    <ol class="stamp-list" data-test="stamp-list" ref=${list}>
      ${stamps.map((one) => html`<li key=${one.at}><b>${timeOfDay(one.at)}</b> ${t(`stamp-${one.what}`)} · <small>${one.noted ? t("stamp-noted") : t("stamp-here-only")}</small></li>`)}
    </ol>
    ${left.length > 0 && html`<${Button} test="stamps-write" label=${t("stamp-write")} onPress=${() => write(left)}
      why=${view.value.known ? waiting(asked) : t("link-not-connected")} />`}
    <${Told} text=${refusalOf(asked, answerText)} />`;
}

const Telephones = () => html`
  <h2>${t("emergency-telephones")}</h2>
  <ul class="telephones" data-test="telephones">
    ${site.value.emergency.telephones.map((one) => html`<li key=${one.name}>${one.name} <b>${one.number}</b></li>`)}
  </ul>`;

const MAY_UNBLOCK = new Set(["physician", "engineer"]);

/** The way out of the block: a physician's declared name and a reason, both in the record. */
function Unblock({ subject }) {
  const asked = useAsk();
  const [physician, setPhysician] = useState("");
  const [reason, setReason] = useState("");
  const missing = physician.trim() && reason.trim() ? null : t("emergency-unblock-needed");
  const role = me.value.role === null || MAY_UNBLOCK.has(me.value.role) ? null : t("flow-needs-role", { role: t("role-physician") });
  const fields = { subject, physician: physician.trim(), reason: reason.trim() };
  return html`
    <h2>${t("emergency-unblock")}</h2>
    <div class="row">
      <${Field} test="unblock-physician" label=${t("emergency-unblock-physician")} value=${physician} maxlength="100"
        onInput=${setPhysician} />
      <${Field} test="unblock-reason" label=${t("emergency-unblock-reason")} value=${reason} maxlength="200"
        onInput=${setReason} />
    </div>
    <${Button} test="unblock" label=${t("emergency-unblock")} why=${role ?? missing ?? waiting(asked)}
      onPress=${() => asked.run(() => ask("unblock", fields)).then((answer) => answer?.ok && (unblocked.value = subject))} />
    <${Told} text=${refusalOf(asked, answerText)} />`;
}

export function Emergency() {
  const told = confirmation();
  const { state } = view.value;
  const subject = state?.emergency?.subject ?? state?.subject;
  const steps = site.value.emergency[language.value] ?? [];
  return html`
    <main class="emergency-page" data-test="emergency-page" tabindex="-1">
      <div class="emergency-head">
        <h1>${t("emergency-title")}</h1>
        <div class="emergency-clock"><span>${t("emergency-clock")}</span> <b data-test="emergency-clock">${clockText()}</b></div>
        <div class=${`emergency-state ${told.kind}`} role=${told.kind === "not-confirmed" ? "alert" : "status"}
          data-test="emergency-state" data-kind=${told.kind}>${told.text}</div>
      </div>
      <div class="emergency-columns">
        <section>
          <h2>${t("emergency-steps")}</h2>
          <ol class="steps-list" data-test="emergency-steps">${steps.map((one) => html`<li key=${one}>${one}</li>`)}</ol>
          <p>${coilText()}</p>
          <${Telephones} />
        </section>
        <section>
          <${Stamps} />
          ${state?.emergency && html`<p>${t("emergency-locked")}</p>`}
          ${subject && (state?.emergency || state?.blocked) && html`<p>${t("emergency-blocked", { subject })}</p>`}
          ${unblocked.value && !state?.blocked && html`<p role="status" data-test="unblocked">
            ${t("emergency-unblocked", { subject: unblocked.value })}</p>`}
          ${state?.blocked && subject && knows("unblock") && html`<${Unblock} subject=${subject} />`}
          <div class="row">
            ${!emergencyOn() && html`<${Button} test="emergency-again" label=${t("emergency-button")}
              onPress=${pressEmergency} />`}
            <${Button} test="incident-report" label=${t("emergency-report")}
              why=${state?.session ? null : t("report-not-yet")}
              onPress=${() => {
                showReport(state.session);
                page.value = "history";
              }} />
            <${Button} test="emergency-back" label=${t("emergency-back")} onPress=${() => (page.value = "treat")} />
          </div>
        </section>
      </div>
    </main>`;
}

export const emergencyBy = () => {
  const on = view.value.state?.emergency;
  return on ? t("emergency-seen-by", { user: on.by || "–", time: timeOfDay(since()) }) : null;
};
