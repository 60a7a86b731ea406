// Keys, and what the words mean: every state with its colour and shape, and the glossary.

import { Shape } from "./parts.js";
import { t, words } from "./words.js";
import { html } from "./vendor/ui.js";

const Row = ({ row }) => html`
  <li class="word-row" data-colour=${row.colour}>
    <span class="word-mark"><${Shape} shape=${row.shape} size=${28} /></span><b>${row.word}</b> <span>${row.sentence}</span>
  </li>`;

export function Help() {
  const { phases, unknown, coil, glossary } = words.value;
  return html`
    <main class="page" data-test="help-page">
      <h1>${t("help-title")}</h1>
      <h2>${t("help-keys")}</h2>
      <p>${t("stop-keys")}</p>
      <p>${t("stop-not-emergency-stop")}</p>
      <h2>${t("glance-state")}</h2>
      <ul class="word-list">${[unknown, ...Object.values(phases)].map((row) => html`<${Row} key=${row.word} row=${row} />`)}</ul>
      <h2>${t("flow-coil")}</h2>
      <ul class="word-list">${Object.values(coil).map((row) => html`<${Row} key=${row.word} row=${row} />`)}</ul>
      ${Object.keys(glossary ?? {}).length > 0 && html`<h2>${t("help-glossary")}</h2>
        <dl class="facts">${Object.entries(glossary).map(([term, { word, meaning }]) => html`
          <div key=${term}><dt>${word}</dt><dd>${meaning}</dd></div>`)}</dl>`}
      <p class="fine">${t("help-research-only")}</p>
    </main>`;
}
