// A session that did not come to its end: what happened to it in one sentence, then Continue or Close, with a reason.

import { ask, knows, view } from "../link.js";
import { Button, Card, Field, refusalOf, Told, useAsk, waiting } from "../parts.js";
import { loadSessions, note, sessionOf } from "../records.js";
import { closeSession, draft } from "../state.js";
import { answerText, outcome, t, whole } from "../words.js";
import { html, useEffect, useState } from "../vendor/ui.js";
import { needsPlacement } from "./place.js";

const why = (reason, placement) => {
  if (!reason.trim()) return t("restart-reason-needed");
  return needsPlacement() && !placement.trim() ? t("flow-placement-needed") : null;
};

function useReason(session) {
  const [reason, setReason] = useState("");
  const [placement, setPlacement] = useState(sessionOf(session)?.placement ?? draft.value.placement ?? "");
  const fields = html`
    <${Field} test="continue-reason" label=${t("restart-reason")} value=${reason} onInput=${setReason} maxlength="200" />
    ${needsPlacement() && html`<${Field} test="continue-placement" value=${placement} onInput=${setPlacement}
      label=${`${t("flow-placement")} (${t("flow-declared")})`} maxlength="200" />`}`;
  return { reason, placement, fields };
}

const goOn = (session, { reason, placement }) =>
  ask("continue", { session, reason: reason.trim(), placement: placement.trim() });

/** In the card of a session that has just ended early. */
export function ContinueWith({ session }) {
  const asked = useAsk();
  const told = useReason(session);
  return html`
    <h3>${t("restart-continue")}</h3>
    ${told.fields}
    <${Button} test="continue" label=${t("restart-continue")} why=${why(told.reason, told.placement) ?? waiting(asked)}
      onPress=${() => asked.run(() => goOn(session, told))} />
    <${Told} text=${refusalOf(asked, answerText)} />`;
}

export function Interrupted() {
  const session = view.value.state.continuable;
  const asked = useAsk();
  const told = useReason(session);
  useEffect(() => void (sessionOf(session) ?? loadSessions()), [session]);
  const close = () =>
    asked.run(async () => {
      const answer = knows("note") ? await note("note", "closed-incomplete", told.reason.trim()) : { ok: true };
      if (answer.ok) closeSession(session);
      return answer;
    });
  return html`
    <${Card} title=${t("restart-title")} test="step-interrupted" actions=${html`
      <${Button} test="continue" kind="primary" label=${t("restart-continue")}
        why=${why(told.reason, told.placement) ?? waiting(asked)} onPress=${() => asked.run(() => goOn(session, told))} />
      <${Button} test="close-incomplete" label=${t("restart-close")} onPress=${close}
        why=${told.reason.trim() ? waiting(asked) : t("restart-reason-needed")} />`}>
      <${WhatBecameOfIt} session=${session} />
      ${told.fields}
      <${Told} text=${refusalOf(asked, answerText)} />
    </${Card}>`;
}

function WhatBecameOfIt({ session }) {
  const one = sessionOf(session);
  if (!one) return html`<p data-test="interrupted-what">${t("restart-counting")}</p>`;
  const { planned, settled, unknown } = one.pulses;
  const text = t("restart-what", {
    what: `${one.subject}, ${one.protocol}: ${outcome(one.outcome)}.`,
    delivered: whole(settled),
    unknown: whole(unknown),
    missing: whole(Math.max(0, planned - settled)),
  });
  return html`<p data-test="interrupted-what">${text}</p>`;
}
