// What only a person can lift: a safety stop, and pulses of which nobody knows whether they went out.

import { ask, me, view } from "../link.js";
import { Button, Card, Facts, Field, refusalOf, Told, useAsk, waiting } from "../parts.js";
import { isOpen } from "../room.js";
import { site } from "../state.js";
import { answerText, reasonText, t, whole } from "../words.js";
import { html, useState } from "../vendor/ui.js";
import { shown } from "../glance.js";
import { ActionsOrEnd } from "./run.js";

const WHO = { operator: "trip-who-operator", two: "trip-who-two", engineer: "trip-who-engineer" };

/** Only who holds control can end, and only what is open. */
const Actions = ({ missing, children }) => {
  const { state } = view.value;
  const mine = isOpen(state) && state.holder === me.value.user;
  return mine ? html`<${ActionsOrEnd} missing=${missing}>${children}</${ActionsOrEnd}>` : children;
};

export function Tripped() {
  const asked = useAsk();
  const { state } = view.value;
  const trip = state.trip ?? {};
  const told = reasonText(trip.reason ?? state.reason, state.fields) ?? { what: state.sentence, why: "", next: "" };
  const who = site.value.resets?.[trip.reason];
  const at = shown.value;
  const mine = trip.first_person === me.value.user ? t("trip-second-missing") : null;
  return html`
    <${Card} title=${t("trip-title")} test="step-tripped" actions=${html`
      <${Actions} missing=${at.planned === null ? null : at.planned - at.settled}>
        <${Button} test="reset" kind="primary" label=${t("trip-reset")} why=${mine ?? waiting(asked)}
          onPress=${() => asked.run(() => ask("reset"))} />
      </${Actions}>`}>
      <${Told} text=${refusalOf(asked, answerText)} />
      <h3>${t("what-happened")}</h3>
      <p data-test="trip-what">${told.what} ${told.why}</p>
      <${Facts} test="trip-facts" rows=${[
        [t("trip-delivered-label"), at?.planned == null ? null : `${whole(at.settled)} / ${whole(at.planned)}`],
        [t("flow-trains"), at?.trains == null ? null : `${whole(at.train)} / ${whole(at.trains)}`],
      ]} />
      <h3>${t("trip-check")}</h3>
      <p data-test="trip-check">${told.next}</p>
      <p data-test="trip-who">${who ? t(WHO[who] ?? WHO.operator) : t("trip-who-ask")}</p>
      ${trip.first_person && html`<p data-test="trip-first">${t("trip-first-person", { user: trip.first_person })}</p>`}
    </${Card}>`;
}

export function Resolve() {
  const asked = useAsk();
  const [why, setWhy] = useState("");
  const { state } = view.value;
  const missing = why.trim() ? null : t("restart-reason-needed");
  const ref = state.unknown[0];
  return html`
    <${Card} title=${t("resolve-title")} test="step-unknown-pulses" actions=${html`
      <${Actions} missing=${null}>
        <${Button} test="resolve" kind="primary" label=${t("resolve-button")} why=${missing ?? waiting(asked)}
          onPress=${() => asked.run(() => ask("resolve", { ref, why: why.trim() })).then((a) => a?.ok && setWhy(""))} />
      </${Actions}>`}>
      <${Told} text=${refusalOf(asked, answerText)} />
      <p>${t("resolve-what")}</p>
      <p data-test="resolve-left">${t("glance-unknown", { count: whole(state.unknown.length) })}</p>
      <${Field} test="resolve-why" label=${t("resolve-why")} value=${why} onInput=${setWhy} maxlength="200" />
    </${Card}>`;
}
