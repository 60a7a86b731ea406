// Who is at this page. A one-time code in the address, or user and password for the broker to judge; both stay in this
// tab's own storage, so that a reload is signed in again before its presence is missed.

import { link, me, signIn, signedOut, view } from "./link.js";
import { site } from "./state.js";
import { t } from "./words.js";
import { Field } from "./parts.js";
import { html, signal, useState } from "./vendor/ui.js";

const KEPT = "coilward-sign-in";
const trouble = signal(null); // a key of the words

const keep = (who) => sessionStorage.setItem(KEPT, JSON.stringify(who));

function begin(who) {
  keep(who);
  signIn(site.value, who);
}

/** A code in the fragment wins over what this tab has kept; it is taken out of the address at once. */
export function signInAtStart() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (location.hash) history.replaceState(null, "", location.pathname);
  if (code) redeem(code);
  else restore();
}

function restore() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    if (kept?.user && kept?.password) begin(kept);
  } catch {
    sessionStorage.removeItem(KEPT);
  }
}

function redeem(code) {
  const url = new URL("/sign-in", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const line = new WebSocket(url);
  let answered = false;
  line.onopen = () => line.send(JSON.stringify({ code }));
  line.onmessage = ({ data }) => {
    answered = true;
    line.close();
    const answer = JSON.parse(data);
    if (answer.refused) {
      trouble.value = answer.refused;
      restore();
    } else begin(answer);
  };
  line.onclose = () => {
    if (answered) return;
    trouble.value = "link-gone";
    restore();
  };
}

export function signOut() {
  sessionStorage.removeItem(KEPT);
  signedOut();
  link.value = { state: "off" };
}

/** The broker said no: what is kept is worth nothing. */
export function refusedByBroker() {
  sessionStorage.removeItem(KEPT);
  trouble.value = "sign-in-refused";
}

const whyNoSignOut = () => {
  const { known, state, wasOpen } = view.value;
  if (!wasOpen) return null;
  return !known || state.holder === me.value?.user ? t("sign-in-out-not-in-session") : null;
};

export function SignedInAs() {
  const { user, role } = me.value;
  const why = whyNoSignOut();
  const text = role ? t("sign-in-as", { user, role: t(`role-${role}`) }) : user;
  return html`
    <p class="who" data-test="who">${text}${why && html` <span id="why-sign-out">${why}</span>`}</p>
    <button type="button" class="button small" data-test="sign-out" aria-disabled=${why ? "true" : undefined}
      aria-describedby=${why ? "why-sign-out" : undefined} onClick=${() => !why && signOut()}>${t("sign-in-out")}</button>`;
}

export function SignIn() {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const ready = user.trim() && password;
  const submit = (event) => {
    event.preventDefault();
    if (!ready) return;
    trouble.value = null;
    begin({ user: user.trim(), password });
  };
  return html`
    <main class="sign-in">
      <form onSubmit=${submit} data-test="sign-in">
        <h1>${t("title", { room: site.value.room })}</h1>
        <h2>${t("sign-in-title")}</h2>
        <${Field} test="sign-in-user" label=${t("sign-in-user")} value=${user} onInput=${setUser} autocomplete="username" />
        <${Field} test="sign-in-password" label=${t("sign-in-password")} value=${password} onInput=${setPassword}
          type="password" autocomplete="current-password" />
        ${trouble.value && html`<p class="refusal" role="alert" data-test="sign-in-trouble">${t(trouble.value)}</p>`}
        <button type="submit" class="button primary" data-test="sign-in-go" aria-disabled=${ready ? undefined : "true"}>
          ${t("sign-in-button")}
        </button>
        <p class="why">${ready ? t("sign-in-code-hint") : t("sign-in-both-needed")}</p>
        <p class="why">${t("help-research-only")}</p>
      </form>
    </main>`;
}
