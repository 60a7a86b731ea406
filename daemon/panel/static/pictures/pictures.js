// The live pictures, loaded only when somebody looks at them: the treatment needs none of them.

import { view } from "../link.js";
import { t } from "../words.js";
import { html, signal, useEffect, useState } from "../vendor/ui.js";
import { Timeline } from "./timeline.js";

const WIDE = matchMedia("(min-width: 1600px)");
const open = signal(WIDE.matches);

function Lazy({ from, name, ...props }) {
  const [Part, setPart] = useState(null);
  useEffect(() => {
    let over = false;
    from().then((module) => !over && setPart(() => module[name]));
    return () => {
      over = true;
    };
  }, []);
  return Part ? html`<${Part} ...${props} />` : html`<p class="quiet">${t("loading")}</p>`;
}

export function Pictures() {
  const arm = view.value.arm !== null;
  return html`
    <aside class="pictures" aria-label=${t("pictures-title")} data-test="pictures">
      <${Timeline} />
      <button type="button" class="button small" data-test="pictures-toggle" aria-expanded=${open.value ? "true" : "false"}
        onClick=${() => (open.value = !open.value)}>${open.value ? t("pictures-hide") : t("pictures-show")}</button>
      ${open.value && html`
        ${arm && html`<${Lazy} from=${() => import("./scene.js")} name="Scene" />`}
        <${Lazy} key=${arm} from=${() => import("./charts.js")} name="Charts" columns=${arm ? [1, 2, 3, 4] : [4]} />`}
    </aside>`;
}
