// The operator's connection, apart from the page: MQTT, presence, STOP's two ways. It goes on in a background tab, and
// it says that its person is here only while the page answers: a page that hangs is an operator who is not there.

import { clock } from "./clock.js";
import { Line } from "./line.js";
import { Outbox } from "./outbox.js";
import { hex, MqttSession } from "./session_mqtt.js";

const LIVE_MS = 1000;
const TICK_MS = 100;
const PRESENCE_MS = 250;
const RETRY_MS = [100, 250, 500, 1000, 2000];
const STOP_AGAIN_MS = 1000;
const STOPS = 3;
const MOST_PINGS = 20;
const GRACE_MS = 1000;
const TEXT = { stop: "STOP", emergency: "EMERGENCY" };

let signedIn = null;
let session = null;
let current = null; // the newest line
let kept = null; // the last line on which the broker accepted a sign-in
let tries = 0;
let retry = 0;
let beat = null;
let away = false;
let pongAt = clock();
let unanswered = 0;
const asked = new Map();
const done = new Set(); // numbers of STOPs and Emergencies that need no repeating

const outbox = new Outbox((message) => postMessage(message));
const late = () => clock() - pongAt > LIVE_MS;
/** Whether a STOP would leave this page now: past the broker, which may be gone. */
const direct = () => [kept, current].some((line) => line?.accepted && line.open);
const tell = (message) => outbox.put({ ...message, at: clock() }, late());

function open() {
  retry = 0;
  if (!signedIn) return;
  tell({ say: "link", state: "connecting", tries, direct: direct() });
  const mine = signedIn;
  const url = new URL("/mqtt", self.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  let line = null;
  const made = new MqttSession({
    ...mine,
    url: url.href,
    line: (address, protocols) => {
      line = new Line(address, protocols, onText);
      current = line;
      return line;
    },
    told: {
      accepted: () => {
        line.accepted = true;
        if (kept && kept !== line) kept.retire();
        kept = line;
        tries = 0;
        tell({ say: "link", state: "connected", client: made.client });
      },
      refused: () => {
        if (signedIn === mine) signedIn = null;
        tell({ say: "link", state: "refused" });
      },
      heard: onMessage,
      closed: () => {
        // One that was never accepted is of no use to STOP; one that was stays until its successor is.
        if (line && !line.accepted) line.retire();
        if (session !== made) return;
        session = null;
        for (const id of [...asked.keys()]) settle(id, local("link-lost-meanwhile"));
        if (signedIn === mine) again();
      },
    },
  });
  session = made;
}

function again() {
  tell({ say: "link", state: "lost", tries, direct: direct() });
  const wait = RETRY_MS[Math.min(tries, RETRY_MS.length - 1)];
  tries += 1;
  retry ||= setTimeout(open, wait);
}

function onMessage(topic, bytes, retained) {
  const [, , , channel, ...levels] = topic.split("/");
  let payload = null;
  try {
    payload = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    payload = null; // unreadable: then nothing is known of it, which is the truth
  }
  if (channel === "reply") {
    if (payload && asked.has(payload.id)) settle(payload.id, payload);
    return;
  }
  if (channel === "heartbeat") {
    if (retained || !payload) return;
    beat = { ...payload, at: clock() };
    for (const waiting of asked.values()) waiting.ready?.();
  }
  const name = channel === "state" ? levels[0] : channel;
  outbox.put({ say: "heard", channel: name, payload, retained, at: clock() }, late());
}

function onText(text, line) {
  let told = null;
  try {
    told = JSON.parse(text);
  } catch {
    return; // the server's own frames are JSON; anything else says nothing
  }
  if (told.broker === "lost") line.endMqtt();
  else if (told.direct) tell({ say: "direct", told });
}

const local = (reason) => ({ ok: false, code: "local", reason, sentence: null, detail: {} });
const freshNonce = () => (beat && clock() - beat.at <= LIVE_MS ? beat.nonce : null);

function settle(id, answer) {
  const waiting = asked.get(id);
  asked.delete(id);
  clearTimeout(waiting.timer);
  tell({ say: "answer", ask: waiting.ask, answer });
}

function ask({ ask: number, verb, fields, needs, seen, deadline }) {
  const id = hex(16);
  const waiting = { ask: number, timer: 0, ready: null };
  asked.set(id, waiting);
  if (!session?.connected) return settle(id, local("link-not-connected"));
  if (needs.state_seq && seen == null) return settle(id, local("link-room-unknown"));
  const send = (nonce) => {
    waiting.ready = null;
    clearTimeout(waiting.timer);
    if (!session?.connected) return settle(id, local("link-not-connected"));
    waiting.timer = setTimeout(() => settle(id, local("link-no-answer")), deadline + GRACE_MS);
    const quoted = { id, client: session.client, nonce, state_seq: needs.state_seq ? seen : null };
    session.command(verb, { ...fields, ...quoted }, () => asked.has(id) && settle(id, local("link-not-allowed")));
  };
  if (!needs.nonce || freshNonce()) return send(needs.nonce ? freshNonce() : null);
  // A beat may be late, and of a watchdog that has only just come the state is known a moment before its first nonce.
  waiting.ready = () => freshNonce() && send(freshNonce());
  waiting.timer = setTimeout(() => settle(id, local("link-room-unknown")), LIVE_MS);
}

/** STOP and Emergency: past the broker and through it. STOP again until it is confirmed; Emergency each way once. */
function urgent(verb, number, fields, left = STOPS, gone = { direct: false, mqtt: false }) {
  const once = verb !== "stop";
  if (!(once && gone.direct)) {
    const lines = new Set([kept, current].filter(Boolean));
    gone.direct = [...lines].map((line) => line.sendText(TEXT[verb])).some(Boolean) || gone.direct;
  }
  if (session?.connected && !(once && gone.mqtt)) {
    gone.mqtt = true;
    urgentOverMqtt(verb, number, fields);
  }
  tell({ say: "urgent", verb, number, ...gone });
  const next = () => done.has(number) || urgent(verb, number, fields, left - 1, gone);
  if (left > 1) setTimeout(next, STOP_AGAIN_MS);
}

function urgentOverMqtt(verb, number, fields) {
  const id = hex(16);
  const timer = setTimeout(() => asked.has(id) && settle(id, local("link-no-answer")), 6 * GRACE_MS);
  asked.set(id, { ask: `${verb}:${number}`, timer, ready: null });
  const command = { ...fields, id, client: session.client, nonce: null, state_seq: null };
  session.command(verb, command, () => asked.has(id) && settle(id, local("link-not-allowed")));
}

const DO = {
  connect({ user, password, room }) {
    leave();
    signedIn = { user, password, room };
    tries = 0;
    open();
  },
  leave,
  ask,
  urgent: ({ verb, number, fields }) => urgent(verb, number, fields),
  confirmed: ({ number }) => {
    done.add(number);
    if (done.size > 64) done.delete(done.values().next().value);
  },
  pong: () => {
    const wasLate = late();
    unanswered -= 1;
    pongAt = clock();
    if (wasLate) outbox.flush();
  },
  here: (message) => {
    away = !message.here;
  },
};

function leave() {
  signedIn = null;
  clearTimeout(retry);
  retry = 0;
  const last = session;
  session = null;
  last?.end();
  for (const line of new Set([kept, current].filter(Boolean))) line.retire();
  kept = current = beat = null;
}

addEventListener("message", ({ data }) => DO[data.do]?.(data));

setInterval(() => {
  if (unanswered >= MOST_PINGS) return;
  unanswered += 1;
  postMessage({ say: "ping" });
}, TICK_MS);

setInterval(() => {
  const nonce = freshNonce();
  if (!away && !late() && nonce && session?.connected) session.present(nonce);
}, PRESENCE_MS);
