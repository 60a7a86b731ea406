// Training: what stands above every page of a practice room, and the page that tells how it went. Its strip is as high
// with a text as without, so that nothing moves beneath it.

import { room } from "./link.js";
import { Facts } from "./parts.js";
import { page, site } from "./state.js";
import { decimal, language, t, whole } from "./words.js";
import { html, signal } from "./vendor/ui.js";

const lesson = () => room.value.practice;
const said = (both) => both?.[language.value] ?? null;
const hintFor = signal(null); // the hint somebody asked for, by its text: the next one is asked for anew

/** The hint that is shown now: asked for, or due because it takes long. */
const hint = () => {
  const one = lesson();
  if (!one || one.result || !one.hint) return null;
  return one.hint_due || hintFor.value === one.hint.en ? said(one.hint) : null;
};

/** What is new, in one place: the hint, else what has just happened, else what it is about. */
const Strip = ({ one }) => html`
  <div class="practice-text" role="status" data-test="practice-text">
    ${hint()
      ? html`<b>${t("practice-hint")}:</b> <span data-test="practice-hint-text">${hint()}</span>`
      : html`<b>${said(one.title)}.</b> ${said(one.told ?? one.goal)}
        <b>${one.told ? "" : `${one.subject}, ${one.protocol}`}</b>`}
  </div>
  <button type="button" class="button practice-button" data-test="practice-hint"
    data-there=${one.hint && !one.result ? "yes" : "no"} onClick=${() => (hintFor.value = one.hint?.en ?? null)}>
    ${t("practice-hint")}</button>
  <button type="button" class="button practice-button" data-test="practice-open"
    aria-pressed=${page.value === "practice" ? "true" : "false"}
    onClick=${() => (page.value = page.value === "practice" ? "treat" : "practice")}>
    ${one.result ? t("practice-result") : t("practice-goal")}</button>`;

export const Practice = () =>
  site.value.practice &&
  html`<aside class="practice" aria-label=${t("practice-title")} data-test="practice">
    <strong>${t("practice-banner")}</strong>
    ${lesson() && html`<${Strip} one=${lesson()} />`}
  </aside>`;

export function PracticePage() {
  const one = lesson();
  if (!one) return html`<main class="page" data-test="practice-page"><p>${t("practice-none-yet")}</p></main>`;
  return html`
    <main class="page report" data-test="practice-page">
      <h1>${t("practice-title")} · ${said(one.title)}</h1>
      ${one.result && html`<${Result} result=${one.result} />`}
      <h2>${t("practice-goal")}</h2>
      <p data-test="practice-goal">${said(one.goal)}</p>
      <p data-test="practice-subject">${t("practice-subject", { subject: one.subject, protocol: one.protocol })}</p>
      ${one.told && html`<h2>${t("practice-what-happened")}</h2><p>${said(one.told)}</p>`}
    </main>`;
}

function Result({ result }) {
  const missed = result.steps.filter((step) => step.outcome !== "done").length;
  return html`
    <section data-test="practice-result">
      <h2>${t("practice-result")}</h2>
      ${result.stop_s !== null && html`<p class="report-outcome" data-test="practice-stop-time">
        ${t("practice-time-to-stop", { seconds: decimal(result.stop_s) })}</p>`}
      <p data-test="practice-missed">
        ${missed ? html`${t("practice-missed")}: <b>${whole(missed)}</b>` : t("practice-none-missed")}</p>
      <table class="table" data-test="practice-steps"><tbody>
        ${result.steps.map((step, index) => html`<tr key=${index} data-outcome=${step.outcome}>
          <td><b>${t(`practice-step-${step.outcome}`)}</b></td>
          <td>${said(step.what)}</td>
          <td>${step.seconds === null ? "–" : `${decimal(step.seconds)} s`}</td>
          <td>${step.within_s === null ? "" : t("practice-within", { seconds: whole(step.within_s) })}</td>
        </tr>`)}
      </tbody></table>
      ${missed > 0 && html`<${Facts} rows=${[[t("practice-read"), said(result.read)]]} />`}
    </section>`;
}
