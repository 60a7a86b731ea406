// Today's checks, by hand, each with its author and time; the journal has them where the room takes notes.

import { ask, knows, me } from "../link.js";
import { Card, Field, refusalOf, Told, useAsk } from "../parts.js";
import { CHECKS } from "../room.js";
import { change, draft } from "../state.js";
import { answerText, t, timeOfDay } from "../words.js";
import { html, useState } from "../vendor/ui.js";
import { Visit } from "./subject.js";

export function Checks() {
  const asked = useAsk();
  const [remark, setRemark] = useState("");
  const mark = (check) =>
    asked.run(async () => {
      const text = remark.trim();
      const answer = knows("note")
        ? await ask("note", { kind: "check", what: check, text: text || draft.value.subject })
        : { ok: true };
      if (answer.ok)
        change({ checks: { ...draft.value.checks, [check]: { by: me.value.user, at: Date.now(), remark: text } } });
      return answer;
    });
  return html`
    <${Card} title=${t("check-title")} test="step-checks" actions=${html`<p class="why">${t("check-all-needed")}</p>`}>
      <${Visit} />
      <div class="checks">
        ${CHECKS.map((check) => {
          const done = draft.value.checks[check];
          return html`
            <button type="button" class=${`check ${done ? "done" : ""}`} key=${check} data-test=${`check-${check}`}
              aria-pressed=${done ? "true" : "false"} onClick=${() => !done && mark(check)}>
              <span class="check-mark" aria-hidden="true">${done ? "✓" : ""}</span>
              <span>${t(`check-${check}`)}</span>
              ${done && html`<small>${t("check-author", { user: done.by, time: timeOfDay(done.at) })}</small>`}
            </button>`;
        })}
      </div>
      <${Field} test="check-remark" label=${t("check-remark")} value=${remark} onInput=${setRemark} maxlength="200" />
      <${Told} text=${refusalOf(asked, answerText)} />
    </${Card}>`;
}
