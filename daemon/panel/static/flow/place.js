// Where the coil goes: said in words and drawn on a head, because a side is the mistake that nobody sees later.

import { view } from "../link.js";
import { Button, Card, Facts, Field } from "../parts.js";
import { HeadFromBehind, sideWord } from "../pictures/head.js";
import { change, draft, site } from "../state.js";
import { t } from "../words.js";
import { sideOf } from "../glance.js";
import { html } from "../vendor/ui.js";
import { Visit } from "./subject.js";

export const needsPlacement = () => site.value.profile !== "robot";

export function Place() {
  const { placement, protocol } = draft.value;
  const side = sideOf(protocol);
  const missing = needsPlacement() && !placement.trim() ? t("flow-placement-needed") : null;
  return html`
    <${Card} title=${t("flow-step-placement")} test="step-place" actions=${html`
      <${Button} test="placed" kind="primary" label=${t("flow-placed")} why=${missing}
        onPress=${() => change({ placed: true })} />`}>
      <${Visit} />
      <div class="place">
        <${HeadFromBehind} side=${side} size=${120} />
        <div>
          <p class="side-word">${sideWord(side)}</p>
          ${needsPlacement()
            ? html`<${Field} test="placement" label=${`${t("flow-placement")} (${t("flow-declared")})`} value=${placement}
                maxlength="200" onInput=${(text) => change({ placement: text })} />`
            : html`<p>${t("flow-place-by-arm")}</p>`}
          <${Facts} test="place-facts" rows=${[
            [t("flow-coil"), site.value.coil],
            [t("flow-target"), view.value.arm?.target],
          ]} />
        </div>
      </div>
    </${Card}>`;
}
