// A head seen from behind the patient: the patient's left is on the left of the picture, and the side that is treated
// is filled, marked and named.

import { t } from "../words.js";
import { html } from "../vendor/ui.js";

const KNOWN = { left: "glance-left", right: "glance-right", both: "glance-both-sides" };

export const sideWord = (side) => (KNOWN[side] ? t(KNOWN[side]) : null);

export function HeadFromBehind({ side, size = 96 }) {
  const word = sideWord(side);
  const half = (which, path) => html`<path class=${side === which || side === "both" ? "side on" : "side"} d=${path} />`;
  return html`
    <figure class="head-behind" data-test="head-behind" data-side=${side}>
      <svg width=${size} height=${size} viewBox="0 0 100 100" role="img"
        aria-label=${`${word ?? ""}. ${t("glance-seen-from-behind")}`}>
        ${half("left", "M50 8C26 8 16 26 16 44c0 20 12 34 24 38v12h10z")}
        ${half("right", "M50 8c24 0 34 18 34 36 0 20-12 34-24 38v12H50z")}
        <path class="outline" d="M16 42c-7-2-9 3-8 9s5 10 10 8M84 42c7-2 9 3 8 9s-5 10-10 8M50 8v86" />
        <text class=${side === "left" || side === "both" ? "letter on" : "letter"} x="33" y="50">${t("glance-left")[0]}</text>
        <text class=${side === "right" || side === "both" ? "letter on" : "letter"} x="67" y="50">${t("glance-right")[0]}</text>
      </svg>
      <figcaption>${t("glance-seen-from-behind")}</figcaption>
    </figure>`;
}
