// The one thing to do next, in one place of the page: its card shows one step, above it which steps lie behind and ahead.

import { me, view } from "../link.js";
import { Card } from "../parts.js";
import { step } from "../room.js";
import { draft } from "../state.js";
import { phaseWord, reasonText, t, words } from "../words.js";
import { computed, html, useEffect, useRef } from "../vendor/ui.js";
import { Checks } from "./checks.js";
import { Control, Offered } from "./control.js";
import { Finish } from "./finish.js";
import { Intensity } from "./intensity.js";
import { Interrupted } from "./interrupted.js";
import { Place } from "./place.js";
import { Release, Opening } from "./release.js";
import { Paused, Run } from "./run.js";
import { Resolve, Tripped } from "./stuck.js";
import { Subject } from "./subject.js";

export const current = computed(() => (me.value ? step(view.value, me.value, draft.value) : "unknown"));

const STEPS = {
  control: Control,
  offered: Offered,
  subject: Subject,
  checks: Checks,
  place: Place,
  intensity: Intensity,
  opening: Opening,
  release: Release,
  run: Run,
  paused: Paused,
  tripped: Tripped,
  "unknown-pulses": Resolve,
  finish: Finish,
  interrupted: Interrupted,
  unknown: Unknown,
  viewer: Viewer,
  lockout: Lockout,
};

/** Which of the path's stations a step belongs to. */
const STATION = {
  control: "control", offered: "control", subject: "subject", checks: "checks", place: "placement", intensity: "intensity",
  opening: "release", release: "release", run: "run", paused: "run", tripped: "run", "unknown-pulses": "run",
  finish: "finish", interrupted: "subject",
};
const PATH = ["control", "subject", "checks", "placement", "intensity", "release", "run", "finish"];

const Path = () => {
  const at = PATH.indexOf(STATION[current.value]);
  return at < 0
    ? null
    : html`<ol class="path" aria-label=${t("flow-path")} data-test="path">
        ${PATH.map((station, index) => {
          const state = index < at ? "done" : index === at ? "now" : "ahead";
          return html`<li key=${station} data-state=${state} aria-current=${state === "now" ? "step" : undefined}>
            <span>${t(`flow-step-${station}`)}</span></li>`;
        })}
      </ol>`;
};

export function Flow() {
  const flow = useRef(null);
  // A step that is done takes its focused button with it: whoever works by keyboard goes on at the next one's title.
  useEffect(() => {
    if (document.activeElement === document.body) flow.current.querySelector("h2")?.focus({ preventScroll: true });
  }, [current.value]);
  return html`
    <div class="flow" data-test="flow" data-step=${current.value} ref=${flow}>
      <${Path} />
      <${STEPS[current.value]} key=${current.value} />
    </div>`;
}

function Unknown() {
  return html`<${Card} title=${words.value.unknown.word} test="step-unknown">
    <p>${words.value.unknown.sentence}</p><p>${t("unknown-nothing-to-do")}</p></${Card}>`;
}

function Viewer() {
  return html`<${Card} title=${t("remote-view")} test="step-viewer"><p>${t("viewer-what")}</p></${Card}>`;
}

function Lockout() {
  const told = reasonText("locked-out");
  const lockout = phaseWord(["lockout", null]);
  return html`<${Card} title=${lockout.word} test="step-lockout">
    <p>${told?.what ?? lockout.sentence} ${told?.why}</p><p><b>${told?.next}</b></p>
    <p>${t("trip-who-engineer")}</p></${Card}>`;
}
