// What the watchdog understood, for a person to read; then Release, kept pressed for 1.5 s. It quotes the state that
// was on the page when the press began: if anything a person decides on changes meanwhile, it is refused.

import { ask, view } from "../link.js";
import { Button, Card, Facts, HoldButton, refusalOf, Told, useAsk, waiting } from "../parts.js";
import { answerText, decimal, t, tenths, whole, words } from "../words.js";
import { sideOf } from "../glance.js";
import { HeadFromBehind, sideWord } from "../pictures/head.js";
import { html, useState } from "../vendor/ui.js";

export function Opening() {
  return html`<${Card} title=${t("flow-open")} test="step-opening"><p>${words.value.phases.checks.sentence}</p></${Card}>`;
}

const percent = (value, unit) => (value == null ? null : `${tenths(value)} ${t(unit)}`);

/** [[trains, pulses each], …]: the plan without its gaps, so that the first train, which has none, stands with its equals. */
function sizes(plan) {
  const runs = [];
  for (const { trains: count, pulses } of plan) {
    const last = runs.at(-1);
    if (last?.[1] === pulses) last[0] += count;
    else runs.push([count, pulses]);
  }
  return runs;
}

function trains(plan) {
  if (!Array.isArray(plan) || !plan.length) return null;
  const groups = sizes(plan).map(([count, pulses]) => `${whole(count)} × ${whole(pulses)}`).join(" + ");
  const { rate_tenths: rate, gap_us: gap } = plan[plan.length - 1];
  const hertz = rate ? `, ${tenths(rate)} Hz` : "";
  return `${groups}${hertz}, ${decimal(gap / 1e6, 0)} s`;
}

export function understoodRows(state) {
  const told = state.understood ?? {};
  const target = view.value.arm?.target; // an arm's placement is long, and for the record
  const method = told.threshold_method ? ` (${t(`flow-threshold-${told.threshold_method}`)}, ${t("flow-declared")})` : "";
  return [
    [t("glance-subject"), told.subject ?? state.subject],
    [t("glance-protocol"), told.protocol ?? state.protocol],
    target ? [t("flow-target"), target] : [t("flow-placement"), told.placement],
    [t("flow-threshold"), told.threshold_tenths == null ? null : `${percent(told.threshold_tenths, "glance-percent-mso")}${method}`],
    [t("glance-intensity"), `${percent(state.intensity_tenths, "glance-percent-rmt")} = ${percent(state.level_tenths, "glance-percent-mso")}`],
    [t("flow-ceiling"), percent(told.ceiling_tenths, "glance-percent-mso")],
    [t("flow-trains"), trains(told.plan)],
    [t("history-pulses"), told.pulses_left == null ? null : whole(told.pulses_left)],
    [t("history-dose-day"), told.today == null ? null : t("flow-today", { pulses: whole(told.today) })],
    [t("history-dose-course"), told.course == null ? null : t("flow-course", { pulses: whole(told.course) })],
    ["", told.course_notice ? t("flow-course-long") : null],
    [t("glance-evidence"), told.witness ? t(`glance-evidence-${told.witness}`) : null],
    [t("flow-cutting"), words.value.cutting?.[told.disarm_cuts_train] ?? null],
    [t("flow-placement"), target && told.placement],
  ];
}

/** The press itself, also for going on after a pause. */
export function useRelease(verb) {
  const asked = useAsk();
  const [early, setEarly] = useState(false);
  return {
    asked,
    early,
    onDown: () => {
      setEarly(false);
      asked.clear();
      const { state } = view.value;
      return { seen: state?.state_seq ?? null, hash: state?.hash };
    },
    onHeld: ({ seen, hash }) => asked.run(() => ask(verb, { hash }, seen)),
    onEarly: () => setEarly(true),
  };
}

export function Release() {
  const press = useRelease("release");
  const ending = useAsk();
  const { state } = view.value;
  const side = sideOf(state.protocol);
  return html`
    <${Card} title=${t("flow-understood")} test="step-release" actions=${html`
      <${HoldButton} test="release" label=${t("flow-release")} why=${waiting(press.asked)}
        note=${press.early ? t("flow-release-let-go") : t("flow-release-hold", { seconds: decimal(1.5) })} ...${press} />
      <${Button} test="not-right" label=${t("flow-not-right")} why=${waiting(ending)}
        onPress=${() => ending.run(() => ask("end"))} />`}>
      <${Told} text=${refusalOf(press.asked, answerText) ?? refusalOf(ending, answerText)} />
      <div class="understood">
        <div>
          <p class="side-word">${sideWord(side)}</p>
          <${HeadFromBehind} side=${side} size=${96} />
        </div>
        <div>
          <p><strong>${t("flow-release-what", { percent: tenths(state.intensity_tenths) })}</strong></p>
          <${Facts} test="understood" rows=${understoodRows(state)} />
        </div>
      </div>
    </${Card}>`;
}
