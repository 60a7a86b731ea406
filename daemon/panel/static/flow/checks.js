// Today's checks, by hand, each with its author and time; the journal has them where the room takes notes.

import { ask, knows, me } from "../link.js";
import { Card, Field, refusalOf, Told, useAsk } from "../parts.js";
import { CHECKS } from "../room.js";
import { change, draft } from "../state.js";
import { answerText, t, timeOfDay } from "../words.js";
import { html, useState } from "../vendor/ui.js";
import { Visit } from "./subject.js";

function Check({ check, remark }) {
  const asked = useAsk();
  const done = draft.value.checks[check];
  const mark = async () => {
    const text = remark || draft.value.subject;
    const answer = knows("note") ? await ask("note", { kind: "check", what: check, text }) : { ok: true };
    const mine = { by: me.value.user, at: Date.now(), remark };
    if (answer.ok) change({ checks: { ...draft.value.checks, [check]: mine } });
    return answer;
  };
  return html`
    <button type="button" class=${`check ${done ? "done" : ""}`} data-test=${`check-${check}`}
      aria-pressed=${done ? "true" : "false"} onClick=${() => !done && asked.run(mark)}>
      <span class="check-mark" aria-hidden="true">${done ? "✓" : ""}</span>
      <span>${t(`check-${check}`)}</span>
      ${done && html`<small>${t("check-author", { user: done.by, time: timeOfDay(done.at) })}</small>`}
    </button>
    <${Told} text=${refusalOf(asked, answerText)} />`;
}

export function Checks() {
  const [remark, setRemark] = useState("");
  return html`
    <${Card} title=${t("check-title")} test="step-checks" actions=${html`<p class="why">${t("check-all-needed")}</p>`}>
      <${Visit} />
      <div class="checks">
        ${CHECKS.map((check) => html`<${Check} key=${check} check=${check} remark=${remark.trim()} />`)}
      </div>
      <${Field} test="check-remark" label=${t("check-remark")} value=${remark} onInput=${setRemark} maxlength="200" />
    </${Card}>`;
}
