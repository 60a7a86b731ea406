// After the last pulse: how it ended, what the person says, and the report. Fainting, "unwell" and a seizure take the
// door of Emergency.

import { ask, knows, me, view } from "../link.js";
import { Button, Card, Facts, Field, refusalOf, Told, useAsk, waiting } from "../parts.js";
import { note } from "../records.js";
import { closeSession, page } from "../state.js";
import { pressEmergency } from "../stop.js";
import { answerText, t, whole } from "../words.js";
import { html, useState } from "../vendor/ui.js";
import { shown } from "../glance.js";
import { showReport } from "../report_state.js";
import { ContinueWith } from "./interrupted.js";
import { outcomeWord } from "./run.js";

const ADVERSE = ["headache", "scalp-pain", "fainting", "unwell", "seizure", "other"];
const GRAVE = new Set(["fainting", "unwell", "seizure"]);

export function Adverse() {
  const asked = useAsk();
  const [text, setText] = useState("");
  const [noted, setNoted] = useState([]);
  const say = async (what) => {
    if (GRAVE.has(what)) pressEmergency();
    const answer = await asked.run(() => note("adverse", what, text.trim()));
    if (answer?.ok) setNoted([...noted, what]);
  };
  return html`
    <h3>${t("flow-finish-adverse")}</h3>
    <${Field} test="adverse-text" label=${t("adverse-text")} value=${text} onInput=${setText} maxlength="500" />
    <div class="chips" data-test="adverse">
      ${ADVERSE.map((what) => html`<${Button} key=${what} kind=${GRAVE.has(what) ? "chip grave" : "chip"}
        test=${`adverse-${what}`} label=${t(`adverse-${what}`)} why=${waiting(asked)} onPress=${() => say(what)} />`)}
    </div>
    <${Told} text=${refusalOf(asked, answerText)} />
    ${noted.length > 0 && html`<p role="status" data-test="adverse-noted">
      ${t("flow-noted", { what: noted.map((what) => t(`adverse-${what}`)).join(", ") })}</p>`}`;
}

function Notes() {
  const asked = useAsk();
  const [text, setText] = useState("");
  const [noted, setNoted] = useState(0);
  const save = async () => {
    const answer = await asked.run(() => note("note", "note", text.trim()));
    if (!answer?.ok) return;
    setNoted(noted + 1);
    setText("");
  };
  return html`
    <div class="row">
      <${Field} test="note-text" label=${t("flow-finish-notes")} value=${text} onInput=${setText} maxlength="500" />
      <${Button} test="note-save" label=${t("flow-note-save")} onPress=${save}
        why=${text.trim() ? waiting(asked) : t("flow-note-empty")} />
    </div>
    <${Told} text=${refusalOf(asked, answerText)} />
    ${noted > 0 && html`<p role="status" data-test="note-noted">${t("flow-noted", { what: whole(noted) })}</p>`}`;
}

export function Finish() {
  const { state } = view.value;
  const at = shown.value;
  const asked = useAsk();
  const done = () => closeSession(state.session);
  const letGo = () => asked.run(() => ask("let-go")).then((answer) => answer?.ok && done());
  return html`
    <${Card} title=${state.emergency ? t("emergency-title") : outcomeWord(state)} test="step-finish" actions=${html`
      <${Button} test="finish" kind="primary" label=${t("flow-finish-done")} onPress=${done} />
      <${Button} test="finish-let-go" label=${t("control-let-go")} why=${waiting(asked)} onPress=${letGo} />`}>
      ${state.emergency && html`<p data-test="finish-locked">${t("emergency-locked")}</p>`}
      <${Facts} test="finish-facts" rows=${[
        [t("glance-subject"), state.subject],
        [t("history-pulses"), at.planned === null ? null : `${whole(at.settled)} / ${whole(at.planned)}`],
        [t("flow-trains"), at.trains === null ? null : `${whole(at.train)} / ${whole(at.trains)}`],
        [t("resolve-title"), at.unknown ? whole(at.unknown) : null],
        [t("control-by"), me.value.user],
      ]} />
      <${Button} test="open-report" label=${t("flow-report")} why=${state.report ? null : t("report-not-yet")}
        onPress=${() => {
          showReport(state.session);
          page.value = "history";
        }} />
      ${state.continuable === state.session && html`<${ContinueWith} session=${state.session} />`}
      ${knows("note") && html`<${Notes} /><${Adverse} />`}
    </${Card}>`;
}
