// The session as a row of trains and the last train pulse by pulse: delivered, withheld, planned. Colour, height and
// words say the same.

import { view } from "../link.js";
import { t, whole } from "../words.js";
import { html } from "../vendor/ui.js";
import { trains } from "./keep.js";

const MOST_BARS = 100;

function planned(state) {
  const plan = state?.understood?.plan;
  return Array.isArray(plan) ? plan.flatMap((group) => Array(Math.min(group.trains, 400)).fill(group.pulses)) : [];
}

const fateOf = (one, wanted, running) => {
  if (running) return "running";
  if (!one) return "planned";
  if (one.unknown) return "unknown";
  return one.pulses < wanted ? "cut" : "delivered";
};

function Trains({ plan, progress }) {
  const { trains: done } = trains.value;
  const step = Math.max(1, Math.ceil(plan.length / MOST_BARS));
  const width = 1000 / Math.ceil(plan.length / step);
  const bars = [];
  const settled = progress?.counts.settled ?? 0;
  let counted = 0;
  for (let first = 0; first < plan.length; first += step) {
    const number = Math.min(first + step, plan.length);
    const one = done.get(number);
    const wanted = plan[number - 1];
    const running = progress && view.value.state.phase === "train" && progress.train === number;
    for (let train = first; train < number; train += 1) counted += plan[train];
    const past = counted <= settled && !running; // of a train this page did not see, the room's count says it
    const fate = fateOf(one ?? (past ? { pulses: wanted, unknown: 0 } : null), wanted, running);
    const part = one ? Math.min(1, one.pulses / wanted) : 1;
    const x = (first / step) * width;
    bars.push(html`<rect key=${first} class=${fate} x=${x + 1} width=${Math.max(1, width - 2)} y=${44 - 40 * part} height=${40 * part} />`);
  }
  return html`<svg class="trains" viewBox="0 0 1000 46" preserveAspectRatio="none" role="img"
    aria-label=${t("glance-train", { train: whole(progress?.train), trains: whole(plan.length) })}>${bars}</svg>`;
}

function Pulses() {
  const { pulses } = trains.value;
  if (!pulses.length) return null;
  const width = 1000 / pulses.length;
  const counts = { delivered: 0, withheld: 0, unknown: 0 };
  for (const one of pulses) counts[one.fate] += 1;
  const text = `${whole(counts.delivered)} ${t("picture-delivered")}, ${whole(counts.withheld)} ${t("picture-withheld")}`;
  return html`
    <p class="picture-title">${t("picture-last-train", { train: whole(trains.value.shown) })}: ${text}</p>
    <svg class="pulses" viewBox="0 0 1000 30" preserveAspectRatio="none" role="img" aria-label=${text}>
      ${pulses.map((one, index) => html`<rect key=${index} class=${one.fate} x=${index * width}
        width=${Math.max(0.8, width * 0.6)} y=${one.fate === "delivered" ? 2 : 18} height=${one.fate === "delivered" ? 26 : 10} />`)}
    </svg>`;
}

export function Timeline() {
  const { state, progress } = view.value;
  const plan = planned(state);
  return html`
    <section class="picture" data-test="timeline">
      <p class="picture-title">${t("flow-trains")}
        <span class="key delivered">${t("picture-delivered")}</span>
        <span class="key cut">${t("picture-withheld")}</span>
        <span class="key planned">${t("picture-planned")}</span></p>
      ${plan.length ? html`<${Trains} plan=${plan} progress=${progress} />` : html`<p class="quiet">–</p>`}
      <${Pulses} />
    </section>`;
}
