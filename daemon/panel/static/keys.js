// Esc is STOP from everywhere while a session is open, before anything else on the page sees the key. With no session
// it leaves a view. STOP takes the focus when the stimulator is about to be armed.

import { view, me } from "./link.js";
import { page } from "./state.js";
import { focusStop, pressStop } from "./stop.js";
import { effect } from "./vendor/ui.js";

const TYPING = "input, textarea";
const ON_ITS_WAY = new Set(["gap", "arming", "armed", "train"]);

export function listenToKeys() {
  addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape" || !me.value) return;
      if (view.value.wasOpen) {
        event.preventDefault();
        event.stopImmediatePropagation();
        if (!event.repeat) pressStop();
      } else if (page.value !== "treat") page.value = "treat";
    },
    { capture: true },
  );
  let last = null;
  effect(() => {
    const { state } = view.value;
    const before = last;
    last = state?.phase ?? null;
    if (!state || before === last || !ON_ITS_WAY.has(last)) return;
    const released = !ON_ITS_WAY.has(before) && before !== "held";
    const arming = last === "arming" && !document.activeElement?.matches(TYPING);
    if (me.peek()?.user === state.holder && (released || arming)) queueMicrotask(focusStop);
  });
}
