// An operator who has touched nothing for five minutes between trains is asked whether they are there. Unanswered for a
// minute, the page no longer says that somebody is: the room holds. Any touch or key is an answer.

import { here, me, now, view } from "./link.js";
import { isOpen } from "./room.js";
import { clock } from "./clock.js";
import { t, whole } from "./words.js";
import { effect, html, signal } from "./vendor/ui.js";

const QUIET_MS = 5 * 60 * 1000;
const ANSWER_MS = 60 * 1000;

let touched = clock();
const asking = signal(null); // when it was asked
let gone = false;

const touch = () => {
  touched = clock();
  if (asking.peek() !== null) asking.value = null;
  if (gone) here(true);
  gone = false;
};

export function keepAlive() {
  for (const kind of ["pointerdown", "pointermove", "keydown"]) addEventListener(kind, touch, { capture: true, passive: true });
  effect(() => {
    const at = now.value;
    const { state } = view.value;
    const mine = isOpen(state) && state.holder === me.value?.user;
    if (!mine) {
      if (asking.peek() !== null) asking.value = null;
      return;
    }
    if (state.phase !== "train" && at - touched > QUIET_MS && asking.peek() === null) asking.value = at;
    if (asking.peek() !== null && at - asking.peek() > ANSWER_MS && !gone) {
      gone = true;
      here(false);
    }
  });
}

export const Alive = () =>
  asking.value === null
    ? null
    : html`<div class="alive" role="alert" data-test="alive">
        <b>${t("alive-question")}</b>
        <span>${t("alive-hint", { seconds: whole(Math.max(0, (ANSWER_MS - (now.value - asking.value)) / 1000)) })}</span>
        <button type="button" class="button primary" data-test="alive-button" onClick=${touch}>${t("alive-button")}</button>
      </div>`;

/** The screen stays on while a session is open; browsers let go of it whenever the page is hidden. */
export function keepScreenOn() {
  let lock = null;
  const want = () => view.peek().wasOpen && document.visibilityState === "visible";
  const look = async () => {
    if (!navigator.wakeLock || (lock && !lock.released) || !want()) return;
    lock = await navigator.wakeLock.request("screen").catch(() => null); // refused by the browser: the screen may go dark
  };
  effect(() => {
    if (view.value.wasOpen) look();
    else lock?.release();
  });
  document.addEventListener("visibilitychange", look);
}
