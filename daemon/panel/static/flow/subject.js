// Whom, and what. A subject seen before is one press: the last protocol comes with the name, to be seen and changed.

import { Button, Card, Field, Listbox } from "../parts.js";
import { recentSubjects } from "../records.js";
import { change, draft, site } from "../state.js";
import { dateAndTime, t, whole } from "../words.js";
import { html, useState } from "../vendor/ui.js";
import { sideWord } from "../pictures/head.js";

const PSEUDONYM = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const protocolOptions = () =>
  site.value.protocols.map((one) => ({
    value: one.id,
    label: one.title ?? one.id,
    about: [
      sideWord(one.side),
      t("flow-protocol-facts", {
        trains: whole(one.trains),
        pulses: whole(one.pulses),
        minutes: whole(Math.ceil(one.seconds / 60)),
      }),
    ]
      .filter(Boolean)
      .join(" · "),
  }));

export function Subject() {
  const [subject, setSubject] = useState("");
  const [protocol, setProtocol] = useState(draft.value.protocol);
  const wrong = subject && !PSEUDONYM.test(subject) ? t("flow-subject-wrong") : null;
  const known = recentSubjects.value.find((one) => one.subject === subject);
  const missing = !subject || wrong ? t("flow-subject-needed") : protocol ? null : t("flow-protocol-needed");
  const choose = (one) =>
    change({ subject: one.subject, protocol: one.protocol, returning: true, placement: one.placement ?? "" });
  return html`
    <${Card} title=${t("flow-step-subject")} test="step-subject" actions=${html`
      <${Button} test="subject-next" kind="primary" label=${t("next")} why=${missing}
        onPress=${() => change({ subject, protocol, returning: Boolean(known) })} />`}>
      ${recentSubjects.value.length > 0 && html`
        <h3>${t("flow-subject-recent")}</h3>
        <div class="recents" data-test="recent-subjects">
          ${recentSubjects.value.map((one) => html`
            <button type="button" class="option" key=${one.subject} data-test=${`recent-${one.subject}`}
              onClick=${() => choose(one)}>
              <span class="option-label">${one.subject}</span>
              <span class="option-about">${one.protocol}${one.at ? ` · ${dateAndTime(one.at)}` : ""}</span>
            </button>`)}
        </div>
        <h3>${t("flow-subject-other")}</h3>`}
      <${Field} test="subject" label=${t("flow-subject-id")} value=${subject} onInput=${setSubject} wrong=${wrong} />
      <h3 id="protocol-title">${t("flow-protocol")}</h3>
      <${Listbox} test="protocols" label=${t("flow-protocol")} options=${protocolOptions()} value=${protocol}
        onChoose=${setProtocol} />
    </${Card}>`;
}

/** Whose visit is being prepared: above the later steps, with the way back. */
export const Visit = () => html`
  <p class="visit-line" data-test="visit-line">
    <b>${draft.value.subject}</b> · ${draft.value.protocol}
    <button type="button" class="button small" data-test="change-subject"
      onClick=${() => change({ subject: null, checks: {}, placed: false, threshold: null, intensity: null })}>
      ${t("flow-change")}
    </button>
  </p>`;
