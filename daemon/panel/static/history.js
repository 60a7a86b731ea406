// Past sessions, a subject's dose against its windows, the journal with filters, and one session's report as a page
// that prints.

import { knows, view } from "./link.js";
import { Button, Field, Listbox, refusalOf, Told, useAsk, waiting } from "./parts.js";
import {
  historyState, journal, loadDose, loadJournal, loadSessions, MOST_ROWS, MOST_SESSIONS, refusedHistory, sessions,
} from "./records.js";
import { Report } from "./report.js";
import { reportOf, showReport } from "./report_state.js";
import { answerText, dateAndTime, outcome, t, timeOfDay, whole } from "./words.js";
import { html, signal, useEffect, useState } from "./vendor/ui.js";

const tab = signal("sessions");
const TABS = ["sessions", "dose", "journal"];

export function History() {
  if (reportOf.value) return html`<${Report} session=${reportOf.value} />`;
  return html`
    <main class="page" data-test="history-page">
      <h1>${t("history-title")}</h1>
      <${Listbox} test="history-tabs" label=${t("history-title")} value=${tab.value}
        onChoose=${(name) => (tab.value = name)}
        options=${TABS.map((name) => ({ value: name, label: t(`history-${name}`) }))} />
      ${!view.value.known && html`<p class="why">${t("link-not-connected")}</p>`}
      ${knows("history") ? html`<${VIEWS[tab.value]} />` : html`<p class="why">${t("history-not-here")}</p>`}
    </main>`;
}

function Sessions() {
  useEffect(() => void loadSessions(), []);
  const last = sessions.value[sessions.value.length - 1];
  const why = historyState.value === "asking" ? t("waiting-for-answer") : null;
  const more = last && historyState.value !== "all" && sessions.value.length < MOST_SESSIONS;
  return html`
    ${refusedHistory.value && html`<${Told} text=${answerText(refusedHistory.value)} />`}
    ${!sessions.value.length && html`<p>${why ?? t("history-empty")}</p>`}
    <table class="table" data-test="sessions">
      <thead><tr><th>${t("history-when")}</th><th>${t("history-subject")}</th><th>${t("history-protocol")}</th>
        <th>${t("history-outcome")}</th><th>${t("history-pulses")}</th><th>${t("history-report")}</th></tr></thead>
      <tbody>${sessions.value.map((one) => html`
        <tr key=${one.session} data-test=${`session-${one.session}`}>
          <td>${dateAndTime(one.at_us / 1000)}</td><td>${one.subject}</td><td>${one.protocol}</td>
          <td>${outcome(one.outcome)}</td><td>${whole(one.pulses?.settled)} / ${whole(one.pulses?.planned)}</td>
          <td><button type="button" class="button small" data-test=${`report-${one.session}`}
            onClick=${() => showReport(one.session)}>${t("flow-report")}</button></td>
        </tr>`)}</tbody>
    </table>
    ${more && html`<${Button} test="sessions-more" label=${t("history-more")} why=${why}
      onPress=${() => loadSessions(last.at_us)} />`}`;
}

/** A subject's dose in each window, beside what is allowed there for one protocol. */
export function DoseBars({ told, protocol }) {
  const allowed = told.allowed?.[protocol] ?? {};
  const windows = [
    ["day", told.day, allowed.day],
    ["twelve-hours", told.twelve_hours, allowed.day],
    ["week", told.week, allowed.week],
    ["course", allowed.counted, allowed.course],
  ];
  return html`<div class="dose" data-test="dose">
    ${windows.map(([name, pulses, bound]) => {
      if (pulses == null) return null;
      const share = bound ? Math.min(1, pulses / bound) : 0;
      return html`<div class="dose-row" key=${name} data-test=${`dose-${name}`}>
        <span>${t(`history-dose-${name}`)}</span>
        <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="whole" width="100" height="10" />
          <rect class=${share > 0.9 ? "part high" : "part"} width=${share * 100} height="10" /></svg>
        <b>${bound ? t("history-dose-of", { pulses: whole(pulses), bound: whole(bound) }) : whole(pulses)}</b></div>`;
    })}
  </div>`;
}

function Dose() {
  const asked = useAsk();
  const [subject, setSubject] = useState(view.value.state?.subject ?? "");
  const [protocol, setProtocol] = useState(view.value.state?.protocol ?? null);
  const [told, setTold] = useState(null);
  const look = () =>
    asked.run(async () => {
      const answer = await loadDose(subject.trim());
      setTold(answer.ok ? answer.detail : null);
      return answer;
    });
  const names = Object.keys(told?.allowed ?? {});
  const last = sessions.value.find((one) => one.subject === subject.trim())?.protocol;
  const shown = [protocol, last, names[0]].find((name) => names.includes(name));
  return html`
    <div class="row">
      <${Field} test="dose-subject" label=${t("flow-subject-id")} value=${subject} onInput=${setSubject} />
      <${Button} test="dose-look" kind="primary" label=${t("history-dose-show")} onPress=${look}
        why=${subject.trim() ? waiting(asked) : t("flow-subject-needed")} />
    </div>
    <${Told} text=${refusalOf(asked, answerText)} />
    ${told?.blocked && html`<p class="refusal">${t("flow-subject-blocked")}</p>`}
    ${told && html`<${DoseBars} told=${told} protocol=${shown} />
      <${Listbox} test="dose-protocol" label=${t("flow-protocol")} value=${shown} onChoose=${setProtocol}
        options=${names.map((name) => ({ value: name, label: name }))} />`}`;
}

const KINDS = {
  all: null,
  trains: ["train"],
  notes: ["note"],
  stops: ["session", "watchdog", "asked"],
  changes: ["intensity", "threshold", "target", "registration", "calibration"],
};

function Journal() {
  const asked = useAsk();
  const [kind, setKind] = useState("all");
  const load = (before) => asked.run(() => loadJournal({ before, kinds: KINDS[kind] }));
  useEffect(() => void load(null), [kind]);
  const rows = journal.value;
  return html`
    <${Listbox} test="journal-filter" label=${t("history-filter")} value=${kind} onChoose=${setKind}
      options=${Object.keys(KINDS).map((name) => ({ value: name, label: t(`history-kind-${name}`) }))} />
    <${Told} text=${refusalOf(asked, answerText)} />
    <${JournalTable} rows=${rows} />
    ${rows.length > 0 && rows.length < MOST_ROWS && html`<${Button} test="journal-more" label=${t("history-more")}
      why=${waiting(asked)} onPress=${() => load(rows[rows.length - 1].wall_us)} />`}`;
}

const QUIET = new Set(["kind", "wall_us", "at_us", "boot_us", "hash", "understood", "chain", "v"]);

/** A row's own fields as they are: what the journal says is evidence, and is not translated. */
const told = (row) =>
  Object.entries(row)
    .filter(([name, value]) => !QUIET.has(name) && value !== null && value !== "" && typeof value !== "object")
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`)
    .join(", ");

export const JournalTable = ({ rows }) => html`
  <table class="table" data-test="journal"><tbody>
    ${rows.map((row, index) => html`<tr key=${index}><td>${row.wall_us ? timeOfDay(row.wall_us / 1000) : ""}</td>
      <td>${row.kind}</td><td>${told(row)}</td></tr>`)}
  </tbody></table>`;

const VIEWS = { sessions: Sessions, dose: Dose, journal: Journal };
