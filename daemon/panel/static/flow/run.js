// While pulses are due: what is going on is in the figures; here are the few things a person does about it.

import { ask, knows, view } from "../link.js";
import { Button, Card, HoldButton, refusalOf, Told, useAsk, waiting } from "../parts.js";
import { note } from "../records.js";
import { site } from "../state.js";
import { pressEmergency } from "../stop.js";
import { answerText, decimal, outcome, reasonText, t, tenths, whole } from "../words.js";
import { html, useState } from "../vendor/ui.js";
import { shown } from "../glance.js";
import { useRelease } from "./release.js";

const LOWER_TENTHS = 50;

const highest = (state) => state.understood?.intensity_tenths ?? state.intensity_tenths;

function IntensitySteps() {
  const asked = useAsk();
  const { state } = view.value;
  const at = state.intensity_tenths;
  const lower = Math.max(at - LOWER_TENTHS, 0);
  const raised = Math.min(at + LOWER_TENTHS, highest(state));
  const change = (verb, to) => asked.run(() => ask(verb, { intensity_tenths: to }));
  return html`
      <${Button} test="lower" label=${`${t("flow-lower")} → ${tenths(lower)} ${t("glance-percent-rmt")}`}
        why=${lower < at ? waiting(asked) : t("flow-lowest")} onPress=${() => change("lower", lower)} />
      ${raised > at && html`<${Button} test="raise" why=${waiting(asked)}
        label=${`${t("flow-raise")} → ${tenths(raised)} ${t("glance-percent-rmt")}`}
        onPress=${() => change("raise", raised)} />`}
    <${Told} text=${refusalOf(asked, answerText)} />`;
}

const GRAVE = ["unwell", "fainting"];

/** Being unwell and fainting take the door of Emergency. */
function pressGrave(what) {
  pressEmergency();
  if (knows("note")) note("adverse", what, "");
}

const Reasons = ({ title, onPress, why }) => html`
  <h3>${title}</h3>
  <div class="chips" data-test="reasons">
    ${(site.value.reasons_for_pause ?? []).map((reason) => html`
      <${Button} key=${reason} kind="chip" test=${`reason-${reason}`} label=${t(`reason-${reason}`)} why=${why}
        onPress=${() => onPress(reason)} />`)}
    ${GRAVE.map((what) => html`<${Button} key=${what} kind="chip grave" test=${`grave-${what}`}
      label=${`${t(`adverse-${what}`)} → ${t("emergency-button")}`} onPress=${() => pressGrave(what)} />`)}
  </div>`;

export function Run() {
  const asked = useAsk();
  const pause = (reason) =>
    asked.run(async () => {
      const paused = await ask("pause");
      return reason && knows("note") ? noted(paused, reason) : paused;
    });
  const why = waiting(asked);
  return html`
    <${Card} title=${t("flow-step-run")} test="step-run" actions=${html`
      <${Button} test="pause" kind="primary" label=${t("flow-pause")} why=${why} onPress=${() => pause(null)} />
      <${IntensitySteps} />`}>
      <${Told} text=${refusalOf(asked, answerText)} />
      <${Reasons} title=${t("flow-pause-because")} onPress=${pause} why=${why} />
    </${Card}>`;
}

/** The reason is worth noting also where the pause was overtaken; a refusal of either is shown. */
async function noted(paused, reason) {
  const answer = await note("reason", reason, "");
  return paused.ok ? answer : paused;
}

export function Paused() {
  const press = useRelease("resume");
  const asked = useAsk();
  const [told, setTold] = useState(null);
  const { state } = view.value;
  const at = shown.value;
  const because = state.reason ? reasonText(state.reason, state.fields) : null;
  const say = (reason) => asked.run(() => note("reason", reason, "")).then((answer) => answer?.ok && setTold(reason));
  return html`
    <${Card} title=${t("flow-paused-title")} test="step-paused" actions=${html`
      <${ActionsOrEnd} missing=${at?.planned == null ? null : at.planned - at.settled}>
        <${HoldButton} test="resume" label=${t("flow-resume")} why=${waiting(press.asked)}
          note=${press.early ? t("flow-release-let-go") : t("flow-release-hold", { seconds: decimal(1.5) })} ...${press} />
      </${ActionsOrEnd}>`}>
      <${Told} text=${refusalOf(press.asked, answerText) ?? refusalOf(asked, answerText)} />
      ${because && html`<p data-test="paused-because">${because.what} ${because.why} <b>${because.next}</b></p>`}
      ${knows("note") && html`<${Reasons} title=${t("reason-title")} onPress=${say} why=${waiting(asked)} />`}
      ${told && html`<p role="status" data-test="reason-noted">${t("flow-noted", { what: t(`reason-${told}`) })}</p>`}
      <div class="row"><${IntensitySteps} /></div>
    </${Card}>`;
}

/**
 * What stands beneath a card whose session can be ended: its own buttons and End; after that press, the question.
 * The answer that ends lies elsewhere than the first press, so that a finger that comes down twice cancels.
 */
export function ActionsOrEnd({ missing, children }) {
  const asked = useAsk();
  const [sure, setSure] = useState(false);
  if (!sure) return html`${children}<${Button} test="end" label=${t("flow-end")} onPress=${() => setSure(true)} />`;
  return html`
    <${Button} test="end-sure" kind="primary danger" label=${t("flow-end")} why=${waiting(asked)}
      note=${missing === null ? null : t("flow-end-sure", { missing: whole(missing) })}
      onPress=${() => asked.run(() => ask("end"))} />
    <${Button} test="end-not" label=${t("cancel")} onPress=${() => setSure(false)} />
    <${Told} text=${refusalOf(asked, answerText)} />`;
}

export const outcomeWord = (state) =>
  outcome(state.phase === "done" ? "completed" : state.phase === "refused" ? "refused" : "ended_early");
