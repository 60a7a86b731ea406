// The pieces every view is made of: a button that says why it cannot be pressed, one that has to be held, a list to
// choose from, a field. None opens anything of the browser's own: that would swallow the first Esc, which is STOP.

import { clock } from "./clock.js";
import { t } from "./words.js";
import { html, useEffect, useRef, useState } from "./vendor/ui.js";

export const Shape = ({ shape, size = 64 }) => html`
  <svg class="shape" width=${size} height=${size} viewBox="0 0 64 64" aria-hidden="true" data-shape=${shape}>
    ${SHAPES[shape] ?? SHAPES.triangle}
  </svg>`;

const SHAPES = {
  square: html`<rect x="10" y="10" width="44" height="44" />`,
  circle: html`<circle cx="32" cy="32" r="24" />`,
  triangle: html`<path d="M32 8 58 54H6z" />`,
  octagon: html`<path d="M22 8h20l14 14v20L42 56H22L8 42V22z" />`,
  dashed: html`<rect x="11" y="11" width="42" height="42" fill="none" stroke-width="6" stroke-dasharray="12 7" />`,
};

/** In place of a reason: an answer is awaited. The button stays as it looks, so that nothing moves under a finger. */
const BUSY = Symbol("busy");

/** Only the one next step has room for a text beneath it that comes and goes. */
const reasonOf = (why, kind) => (why === BUSY ? (kind === "primary" ? t("waiting-for-answer") : null) : why);

/** `why`: the reason it cannot be pressed now; it stays focusable, and the reason stands beside it. */
export function Button({ test, kind = "plain", why = null, onPress, label, note = null, ...rest }) {
  const id = `why-${test}`;
  const told = reasonOf(why, kind) ?? note;
  return html`
    <div class="press">
      <button
        type="button"
        class=${`button ${kind}`}
        data-test=${test}
        aria-disabled=${why && why !== BUSY ? "true" : undefined}
        aria-busy=${why === BUSY ? "true" : undefined}
        aria-describedby=${told ? id : undefined}
        onClick=${() => !why && onPress()}
        ...${rest}
      >
        ${label}
      </button>
      ${told && html`<p class="why" id=${id}>${told}</p>`}
    </div>`;
}

/** Runs `act` once at a time and shows what a refusal says. */
export function useAsk() {
  const [refusal, setRefusal] = useState(null);
  const [busy, setBusy] = useState(false);
  const running = useRef(false);
  const run = async (act) => {
    if (running.current) return null;
    running.current = true;
    setBusy(true);
    setRefusal(null);
    const answer = await act();
    running.current = false;
    setBusy(false);
    if (answer && !answer.ok) setRefusal(answer);
    return answer;
  };
  return { refusal, busy, run, clear: () => setRefusal(null) };
}

export const Told = ({ text, test = "told", kind = "refusal" }) =>
  text &&
  html`<div class=${kind} role=${kind === "refusal" ? "alert" : "status"} data-test=${test}>
    <strong>${text.what}</strong> ${text.why} <em>${text.next}</em>
  </div>`;

const HOLD_MS = 1500;

/** Fires after 1.5 s of pressing; `onDown` runs at press-down and what it returns is handed to `onHeld`. */
export function HoldButton({ test, label, why = null, note, onDown, onHeld, onEarly }) {
  const [since, setSince] = useState(null);
  const press = useRef(null);
  const end = (early) => {
    if (!press.current) return;
    clearTimeout(press.current.timer);
    press.current = null;
    setSince(null);
    if (early) onEarly?.();
  };
  const begin = () => {
    if (why || press.current) return;
    const seen = onDown();
    setSince(clock());
    const timer = setTimeout(() => {
      press.current = null;
      setSince(null);
      onHeld(seen);
    }, HOLD_MS);
    press.current = { timer };
  };
  useEffect(() => () => clearTimeout(press.current?.timer), []);
  useEffect(() => {
    if (why) end(false);
  }, [why]);
  const key = (event) => event.key === " " || event.key === "Enter";
  return html`
    <div class="press">
      <button
        type="button"
        class=${`button primary hold ${since === null ? "" : "holding"}`}
        data-test=${test}
        aria-disabled=${why && why !== BUSY ? "true" : undefined}
        aria-busy=${why === BUSY ? "true" : undefined}
        aria-describedby=${`why-${test}`}
        onPointerDown=${(event) => {
          event.currentTarget.setPointerCapture?.(event.pointerId);
          if (event.button === 0) begin();
        }}
        onPointerUp=${() => end(true)}
        onPointerCancel=${() => end(true)}
        onContextMenu=${(event) => event.preventDefault()}
        onKeyDown=${(event) => {
          if (!key(event)) return;
          event.preventDefault();
          if (!event.repeat) begin();
        }}
        onKeyUp=${(event) => key(event) && end(true)}
        onBlur=${() => end(true)}
      >
        <span class="fill" aria-hidden="true"></span><span class="label">${label}</span>
      </button>
      <p class="why" id=${`why-${test}`}>${reasonOf(why, "primary") ?? note}</p>
    </div>`;
}

/** Our own list of options: arrow keys, Home and End; it lies open in the page, so there is nothing to pop up. */
export function Listbox({ test, label, options, value, onChoose }) {
  const box = useRef(null);
  const at = Math.max(0, options.findIndex((option) => option.value === value));
  const move = (to) => {
    const next = Math.min(Math.max(to, 0), options.length - 1);
    onChoose(options[next].value);
    box.current.children[next].focus();
  };
  const keys = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: options.length - 1 };
  return html`
    <div class="listbox" role="radiogroup" aria-label=${label} data-test=${test} ref=${box}>
      ${options.map(
        (option, index) => html`
          <button
            type="button"
            role="radio"
            key=${option.value}
            data-test=${`${test}-${option.value}`}
            class="option"
            aria-checked=${option.value === value ? "true" : "false"}
            tabindex=${index === at ? 0 : -1}
            onClick=${() => onChoose(option.value)}
            onKeyDown=${(event) => {
              if (!(event.key in keys)) return;
              event.preventDefault();
              move(keys[event.key]);
            }}
          >
            <span class="option-label">${option.label}</span>
            ${option.about && html`<span class="option-about">${option.about}</span>`}
          </button>`,
      )}
    </div>`;
}

export function Field({ test, label, value, onInput, hint = null, wrong = null, mode = "text", type = "text", ...rest }) {
  const id = `field-${test}`;
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <input
        id=${id}
        type=${type}
        inputmode=${mode}
        autocomplete="off"
        autocapitalize="off"
        spellcheck=${false}
        data-test=${test}
        value=${value}
        aria-invalid=${wrong ? "true" : undefined}
        aria-describedby=${hint || wrong ? `${id}-hint` : undefined}
        onInput=${(event) => onInput(event.currentTarget.value)}
        ...${rest}
      />
      ${(wrong || hint) && html`<p id=${`${id}-hint`} class=${wrong ? "why wrong" : "why"}>${wrong ?? hint}</p>`}
    </div>`;
}

export const Facts = ({ rows, test }) => html`
  <dl class="facts" data-test=${test}>
    ${rows
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;

/** For what may be longer than its place: while it is, it takes the focus, so that keys can scroll it. */
export function useScrolling() {
  const place = useRef(null);
  useEffect(() => {
    const { current } = place;
    let asked = 0;
    const look = () => {
      asked = 0;
      if (current.scrollHeight > current.clientHeight + 1) current.tabIndex = 0;
      else current.removeAttribute("tabindex");
    };
    const lookSoon = () => {
      asked ||= requestAnimationFrame(look); // to measure is to lay out: once a picture
    };
    const watches = [new ResizeObserver(lookSoon), new MutationObserver(lookSoon)];
    watches[0].observe(current);
    watches[1].observe(current, { childList: true, characterData: true, subtree: true });
    return () => {
      cancelAnimationFrame(asked);
      watches.forEach((each) => each.disconnect());
    };
  }, []);
  return place;
}

export function Card({ title, test, children, actions }) {
  const body = useScrolling();
  const id = `${test}-title`;
  return html`
    <section class="card" data-test=${test} aria-labelledby=${id}>
      <h2 id=${id} tabindex="-1">${title}</h2>
      <div class="card-body" data-test=${`${test}-body`} role="group" aria-labelledby=${id} ref=${body}>${children}</div>
      <div class="card-actions">${actions}</div>
    </section>`;
}

export const refusalOf = (asked, answerText) => asked.refusal && answerText(asked.refusal);
export const waiting = (asked) => (asked.busy ? BUSY : null);
