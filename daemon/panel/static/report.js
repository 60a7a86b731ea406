// One session's report. Printing is offered only while no session is open: the browser's own dialog would swallow Esc.

import { view } from "./link.js";
import { Button, Facts, refusalOf, Told, useAsk } from "./parts.js";
import { loadReport } from "./records.js";
import { GOING } from "./room.js";
import { showReport } from "./report_state.js";
import { site } from "./state.js";
import { answerText, dateAndTime, outcome, phaseWord, reasonText, t, timeOfDay, whole } from "./words.js";
import { html, useEffect, useState } from "./vendor/ui.js";

export function Report({ session }) {
  const asked = useAsk();
  const [report, setReport] = useState(null);
  const load = () =>
    asked.run(async () => {
      const answer = await loadReport(session);
      if (answer.ok) setReport(answer.detail);
      return answer;
    });
  useEffect(() => void load(), [session]);
  return html`
    <main class="page report" data-test="report-page">
      <div class="row no-print">
        <${Button} test="report-back" label=${t("back")} onPress=${() => showReport(null)} />
        <${Button} test="report-print" label=${t("history-print")} onPress=${() => print()}
          why=${view.value.wasOpen ? t("report-no-print") : null} />
        <${Button} test="report-again" label=${t("report-again")} onPress=${load} />
      </div>
      <${Told} text=${refusalOf(asked, answerText)} />
      ${report ? html`<${Sheet} ...${report} session=${session} />` : html`<p>${t("loading")}</p>`}
      <p class="fine">${t("help-research-only")}</p>
    </main>`;
}

function Sheet({ report, incident, session }) {
  const { pulses = {}, waits = [], remarks = [], notes = [] } = report;
  const back = pulses.read_back;
  return html`
    <h1>${t("history-report")} ${site.value.practice ? `· ${t("practice-title")}` : ""}</h1>
    <p class="report-outcome" data-test="report-outcome">${outcome(report.outcome)}</p>
    <${Facts} test="report-facts" rows=${[
      [t("history-session"), session],
      [t("history-subject"), report.subject],
      [t("history-protocol"), report.protocol],
      [t("flow-placement"), report.placement],
      [t("history-when"), report.at_us ? dateAndTime(report.at_us / 1000) : null],
      [t("control-by"), report.by],
      [t("flow-trains"), report.trains == null ? null : whole(report.trains)],
      [t("report-planned"), whole(pulses.planned)],
      [t("report-commanded"), whole(pulses.commanded)],
      [t("report-counted"), whole(pulses.settled)],
      [t("resolve-title"), whole(pulses.unknown)],
      [t("glance-evidence"), back ? `${whole(back.low)}–${whole(back.high)}, ${t(`glance-evidence-${back.by}`)}` : null],
      [t("report-off-target"), report.off_target == null ? null : whole(report.off_target)],
    ]} />
    ${incident && html`<${Incident} incident=${incident} />`}
    ${waits.length > 0 && html`<h2>${t("report-waits")}</h2><${Waits} waits=${waits} />`}
    <${Rows} title=${t("report-notes")} rows=${notes} test="report-notes" />
    <${Rows} title=${t("what-happened")} rows=${remarks.filter(remarkable)} test="report-remarks" />`;
}

/** What the emergency's own report says first; the whole of it lies in the room's folder. */
const Incident = ({ incident }) => html`
  <section data-test="incident">
    <h2>${t("emergency-report")}</h2>
    <${Facts} rows=${[
      [t("history-when"), dateAndTime(incident.pressed_us / 1000)],
      [t("control-by"), incident.by],
      [t("history-subject"), incident.subject],
      [t("report-ten-minutes"), whole(incident.pulses_before)],
      [t("report-file"), incident.report],
    ]} />
    <${Rows} title=${t("report-notes")} rows=${incident.notes ?? []} test="incident-notes" />
  </section>`;

function Waits({ waits }) {
  const seconds = {};
  for (const wait of waits) {
    const reason = String(wait.coil || wait.reason || wait.state);
    seconds[reason] = (seconds[reason] ?? 0) + wait.seconds;
  }
  const rows = Object.entries(seconds).sort((a, b) => b[1] - a[1]);
  return html`<${Facts} test="report-waits" rows=${rows.map(([reason, sum]) => [
    reasonText(reason)?.what ?? reason,
    `${whole(Math.round(sum))} s`,
  ])} />`;
}

const LABELLED = { check: "check", reason: "reason", adverse: "adverse", stamp: "stamp" };

/** A note's `what` in words where it is one of the panel's own. */
const what = (row) => {
  const group = LABELLED[row.note];
  if (row.kind === "session") return phaseWord(["phases", row.state]).word;
  if (row.what === "closed-incomplete") return t("restart-close");
  return group && row.what ? t(`${group}-${row.what}`) : (row.what ?? row.kind ?? "");
};

const said = (row) => row.text ?? row.sentence ?? reasonText(row.reason, row.detail)?.what ?? row.reason ?? "";

/** What held the session up or ended it. That it went on as planned, train by train, is in the figures. */
const remarkable = (row) => row.kind !== "session" || row.reason || !GOING.has(row.state);

const Rows = ({ title, rows, test }) =>
  rows.length > 0 &&
  html`<h2>${title}</h2><table class="table" data-test=${test}><tbody>
    ${rows.map((row, index) => html`<tr key=${index}>
      <td>${row.wall_us ? timeOfDay(row.wall_us / 1000) : ""}</td><td>${what(row)}</td>
      <td>${said(row)}</td><td>${row.by ?? ""}</td></tr>`)}
  </tbody></table>`;
