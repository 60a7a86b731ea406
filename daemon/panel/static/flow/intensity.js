// How much: the threshold on file or one declared now, the prescribed intensity or less. Opening moves nothing.

import { ask, me, view } from "../link.js";
import { Button, Card, Facts, Field, Listbox, refusalOf, Told, useAsk, waiting } from "../parts.js";
import { change, draft, site } from "../state.js";
import { answerText, t } from "../words.js";
import { html } from "../vendor/ui.js";
import { Visit } from "./subject.js";

const PERCENT = /^\d{1,3}(?:[.,]\d)?$/;

/** Tenths of a percentage that a person typed, or null. */
export const percentTenths = (text, most) => {
  if (!PERCENT.test(text.trim())) return null;
  const value = Math.round(Number(text.trim().replace(",", ".")) * 10);
  return value > 0 && value <= most ? value : null;
};

const declared = () => draft.value.threshold ?? (draft.value.returning ? null : { value: "", method: "", pulses: "" });

function missing(threshold, intensity) {
  if (threshold) {
    if (percentTenths(threshold.value, 1000) === null) return t("flow-threshold-needed");
    if (!threshold.method) return t("flow-threshold-method-needed");
    if (!/^\d{1,3}$/.test(threshold.pulses)) return t("flow-threshold-pulses-needed");
  }
  return intensity && percentTenths(intensity, 2000) === null ? t("flow-intensity-wrong") : null;
}

async function open(threshold) {
  const { subject, protocol, placement, intensity } = draft.value;
  if (threshold && !threshold.filed) {
    const filed = await ask("file-threshold", {
      subject,
      value_tenths: percentTenths(threshold.value, 1000),
      method: threshold.method,
      pulses: Number(threshold.pulses),
      coil: site.value.coil,
      sd_tenths: null,
    });
    if (!filed.ok) return filed;
    change({ threshold: { ...threshold, filed: true } });
  }
  const seen = view.value.state?.state_seq ?? null;
  const intensity_tenths = intensity ? percentTenths(intensity, 2000) : null;
  return ask("start", { subject, protocol, placement: placement.trim(), intensity_tenths }, seen);
}

export function Intensity() {
  const asked = useAsk();
  const threshold = declared();
  const { intensity } = draft.value;
  const set = (fields) => change({ threshold: { ...threshold, ...fields, filed: false } });
  const why = missing(threshold, intensity) ?? waiting(asked);
  return html`
    <${Card} title=${t("flow-step-intensity")} test="step-intensity" actions=${html`
      <${Button} test="open-session" kind="primary" label=${t("flow-open")} why=${why}
        onPress=${() => asked.run(() => open(threshold))} />`}>
      <${Visit} />
      <${Told} text=${refusalOf(asked, answerText)} />
      ${threshold
        ? html`<fieldset>
            <legend>${t("flow-threshold")} <mark>${t("flow-declared")}</mark></legend>
            <p class="why">${t("flow-declared-hint", { user: me.value.user })}</p>
            <div class="row">
              <${Field} test="threshold" label=${t("flow-threshold")} value=${threshold.value} mode="decimal"
                onInput=${(value) => set({ value })} />
              <${Field} test="threshold-pulses" label=${t("flow-threshold-pulses")} value=${threshold.pulses}
                mode="numeric" onInput=${(pulses) => set({ pulses })} />
            </div>
            <${Listbox} test="threshold-method" label=${t("flow-threshold-method")} value=${threshold.method}
              onChoose=${(method) => set({ method })} options=${["emg", "visual"].map((method) => ({
                value: method,
                label: t(`flow-threshold-${method}`),
              }))} />
            ${draft.value.returning && html`<${Button} test="threshold-on-file" label=${t("flow-threshold-use-filed")}
              onPress=${() => change({ threshold: null })} />`}
          </fieldset>`
        : html`<${Facts} test="threshold-filed" rows=${[[t("flow-threshold"), t("flow-threshold-filed")]]} />
            <${Button} test="threshold-declare" label=${t("flow-threshold-declare")}
              onPress=${() => set({ value: "", method: "", pulses: "" })} />`}
      <${Field} test="intensity-field" label=${`${t("flow-intensity")} (${t("flow-declared")})`}
        hint=${t("flow-intensity-empty")} value=${intensity ?? ""} mode="decimal"
        onInput=${(text) => change({ intensity: text || null })} />
    </${Card}>`;
}
