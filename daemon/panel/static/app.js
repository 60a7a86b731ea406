// The page: which view it shows, and the order in which it starts.

import { Alive, keepAlive, keepScreenOn } from "./alive.js";
import { AlarmsPage, AlarmStrip, keepAlarms, list } from "./alarms.js";
import { Emergency, emergencyBy, emergencyOn } from "./emergency.js";
import { Flow } from "./flow/flow.js";
import { HandOver } from "./flow/control.js";
import { Glance, Heard, StateBand } from "./glance.js";
import { Help } from "./help.js";
import { History } from "./history.js";
import { listenToKeys } from "./keys.js";
import { link, me } from "./link.js";
import { useScrolling } from "./parts.js";
import { Pictures } from "./pictures/pictures.js";
import { keepPictures } from "./pictures/keep.js";
import { Practice, PracticePage } from "./practice.js";
import { keepRecords } from "./records.js";
import { showReport } from "./report_state.js";
import { refusedByBroker, SignedInAs, SignIn, signInAtStart } from "./signin.js";
import { page, site } from "./state.js";
import { StopBar } from "./stop.js";
import { nextTheme, startTheme, theme } from "./theme.js";
import { firstLanguage, language, speak, t, words } from "./words.js";
import { effect, html, render } from "./vendor/ui.js";

const PAGES = ["treat", "alarms", "history", "help"];
const TITLE = { treat: "nav-treat", alarms: "alarm-title", history: "history-title", help: "help-title" };

const go = (name) => {
  if (name === "history") showReport(null);
  page.value = name;
};

function TopBar() {
  const unseen = list.value.filter((one) => !one.seen).length;
  return html`
    <nav class="top" aria-label=${t("nav-label")}>
      ${PAGES.map((name) => html`
        <button type="button" class="tab" key=${name} data-test=${`nav-${name}`}
          aria-current=${page.value === name ? "page" : undefined} onClick=${() => go(name)}>
          ${t(TITLE[name])}${name === "alarms" && unseen > 0 ? ` (${unseen})` : ""}
        </button>`)}
      ${emergencyOn() && html`<button type="button" class="tab emergency-tab" data-test="nav-emergency"
        aria-current=${page.value === "emergency" ? "page" : undefined} onClick=${() => go("emergency")}
        title=${emergencyBy()}>${t("emergency-title")}</button>`}
      <span class="space"></span>
      <${Heard} />
      ${site.value.languages.map((name) => html`
        <button type="button" class="tab" key=${name} lang=${name} data-test=${`language-${name}`}
          aria-pressed=${language.value === name ? "true" : "false"} title=${t(`language-${name}`)}
          onClick=${() => speak(name)}>${name.toUpperCase()}</button>`)}
      <button type="button" class="tab" data-test="theme" onClick=${nextTheme}>
        ${theme.value === "dark" ? t("theme-light") : t("theme-dark")}
      </button>
    </nav>`;
}

const Treat = () => html`
  <main class="treat" data-test="treat-page">
    <${Glance} />
    <${Flow} />
    <${Pictures} />
  </main>`;

const VIEWS = { treat: Treat, alarms: AlarmsPage, history: History, help: Help, emergency: Emergency, practice: PracticePage };

function Middle() {
  const place = useScrolling();
  return html`<div class="view" data-test="view" ref=${place}><${VIEWS[page.value]} /></div>`;
}

function App() {
  if (!words.value || !site.value) return null;
  if (!me.value) return html`<${Practice} /><${SignIn} />`;
  return html`
    <${Practice} />
    <${TopBar} />
    <${StateBand} />
    <${AlarmStrip} />
    <${Middle} />
    <footer class="bottom">
      <div class="bottom-left"><${SignedInAs} /><${HandOver} /><${Alive} /></div>
      <${StopBar} />
    </footer>`;
}

async function start() {
  startTheme();
  const answer = await fetch("/site.json");
  if (!answer.ok) throw new Error(`/site.json: ${answer.status}`);
  site.value = await answer.json();
  document.body.dataset.practice = site.value.practice ? "yes" : "no";
  const spoken = speak(firstLanguage(site.value.languages));
  signInAtStart();
  await spoken;
  effect(() => {
    document.title = t("title", { room: site.value.room });
  });
  effect(() => {
    if (link.value.state === "refused") refusedByBroker();
  });
  [keepAlarms, keepPictures, keepRecords, keepAlive, keepScreenOn, listenToKeys].forEach((keep) => keep());
  render(html`<${App} />`, document.getElementById("app"));
}

start().catch((problem) => {
  // Without its words the page can only say so in both languages, in plain text.
  document.getElementById("app").textContent =
    `The panel could not be loaded. Use the red button; reload the page. / Il pannello non è stato caricato. ` +
    `Usare il pulsante rosso; ricaricare la pagina. (${problem.message})`;
});
