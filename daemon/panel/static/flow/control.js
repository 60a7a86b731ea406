// One person holds control. Handing over takes two presses, one at each page, and pauses nothing.

import { ask, me, view } from "../link.js";
import { Button, Card, Field, refusalOf, Told, useAsk, waiting } from "../parts.js";
import { GOING } from "../room.js";
import { answerText, t } from "../words.js";
import { html, useState } from "../vendor/ui.js";
import { holderText } from "../glance.js";

const NAME = /^[a-z0-9-]{1,32}$/;

export function Control() {
  const asked = useAsk();
  const { state } = view.value;
  return html`
    <${Card} title=${t("flow-step-control")} test="step-control" actions=${html`
      <${Button} test="take-control" kind="primary" label=${t("control-take")} why=${waiting(asked)}
        onPress=${() => asked.run(() => ask("take"))} />
      ${GOING.has(state.phase) && html`<${Button} test="pause" label=${t("flow-pause")} why=${waiting(asked)}
        onPress=${() => asked.run(() => ask("pause"))} />`}`}>
      <p data-test="holder-now">${holderText(state)}</p>
      ${state.holder && html`<p>${t("control-ask-holder", { user: state.holder })}</p>`}
      <${Told} text=${refusalOf(asked, answerText)} />
    </${Card}>`;
}

export function Offered() {
  const asked = useAsk();
  return html`
    <${Card} title=${t("flow-step-control")} test="step-offered" actions=${html`
      <${Button} test="accept-control" kind="primary" label=${t("control-accept")} why=${waiting(asked)}
        onPress=${() => asked.run(() => ask("take"))} />`}>
      <p>${t("control-offered", { user: view.value.state.holder })}</p>
      <${Told} text=${refusalOf(asked, answerText)} />
    </${Card}>`;
}

/** In the bar: whoever holds control can offer it or let it go; nothing else of the page changes place. */
export function HandOver() {
  const asked = useAsk();
  const [open, setOpen] = useState(false);
  const [to, setTo] = useState("");
  const { known, state, wasOpen } = view.value;
  if (!known || state.holder !== me.value?.user) return null;
  const offered = state.offered_to;
  const wrong = to && !NAME.test(to) ? t("control-name-wrong") : null;
  const offer = async () => {
    const answer = await asked.run(() => ask("hand-over", { to }));
    if (answer?.ok) setOpen(false);
  };
  return html`
    <div class="hand-over">
      ${offered && html`<p role="status" data-test="offered-to">${t("control-offered-waiting", { user: offered })}</p>`}
      <button type="button" class="button small" data-test="hand-over" aria-expanded=${open ? "true" : "false"}
        onClick=${() => setOpen(!open)}>${t("control-offer")}</button>
      ${open && html`<div class="sheet" data-test="hand-over-sheet">
        <${Field} test="hand-over-to" label=${t("control-offer-to")} value=${to} onInput=${setTo} wrong=${wrong} />
        <${Button} test="hand-over-offer" kind="primary" label=${t("control-offer")} onPress=${offer}
          why=${!to || wrong ? t("control-name-needed") : waiting(asked)} />
        <${Button} test="let-go" label=${t("control-let-go")} why=${wasOpen ? t("control-not-in-session") : null}
          onPress=${() => asked.run(() => ask("let-go"))} />
        <${Told} text=${refusalOf(asked, answerText)} />
      </div>`}
    </div>`;
}
