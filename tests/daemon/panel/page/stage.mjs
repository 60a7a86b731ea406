// A stage for the worker: a clock that a test moves, a socket whose other end is the test, and what the worker posts.

const timers = new Map();
let now = 0;
let ids = 0;
const real = { immediate: setImmediate };

const later = (every) => (act, ms = 0, ...args) => {
  ids += 1;
  timers.set(ids, { at: now + ms, act: () => act(...args), every: every ? Math.max(ms, 1) : null });
  return ids;
};
globalThis.setTimeout = later(false);
globalThis.setInterval = later(true);
globalThis.clearTimeout = globalThis.clearInterval = (id) => timers.delete(id);
Object.defineProperty(globalThis, "performance", { value: { timeOrigin: 1_700_000_000_000, now: () => now } });

const settle = () => new Promise((done) => real.immediate(done));

/** Moves the clock, running what falls due, in its order. */
export async function advance(ms) {
  const end = now + ms;
  for (;;) {
    await settle();
    const [id, next] = [...timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0] ?? [];
    if (!next) break;
    now = Math.max(now, next.at);
    if (next.every) next.at = now + next.every;
    else timers.delete(id);
    next.act();
  }
  now = end;
  await settle();
}

export const sockets = [];

const CONNECT = 1;
const PUBLISH = 3;
const SUBSCRIBE = 8;
const PINGREQ = 12;
const text = new TextDecoder();

/** The other end is a broker that says yes to everything, unless `refuses` or `silent`. */
export class Socket {
  static refuses = false;
  static down = false;
  readyState = 0;
  bufferedAmount = 0;
  texts = [];
  published = [];

  constructor(url) {
    this.url = url;
    sockets.push(this);
    setTimeout(() => (Socket.down ? this.close() : this.#open()));
  }

  #open() {
    this.readyState = 1;
    this.onopen?.();
  }

  send(data) {
    if (typeof data === "string") {
      this.texts.push(data);
      return;
    }
    const bytes = Buffer.from(data);
    const kind = bytes[0] >> 4;
    if (kind === CONNECT) this.reply(Socket.refuses ? [0x20, 3, 0, 0x86, 0] : [0x20, 3, 0, 0, 0]);
    if (kind === SUBSCRIBE) this.reply([0x90, 8, bytes[2], bytes[3], 0, 1, 1, 1, 1, 0]);
    if (kind === PINGREQ) this.reply([0xd0, 0]);
    if (kind === PUBLISH) this.#published(bytes);
  }

  #published(bytes) {
    let at = 2 + (bytes[1] & 0x80 ? 1 : 0);
    const length = bytes.readUInt16BE(at);
    const topic = text.decode(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
    const qos = (bytes[0] >> 1) & 3;
    if (qos) {
      this.reply([0x40, 2, bytes[at], bytes[at + 1]]);
      at += 2;
    }
    const payload = bytes.subarray(at + 1 + bytes[at]);
    this.published.push({ topic: topic.replace(/^coilward\/v1\/room1\//, ""), payload: JSON.parse(text.decode(payload)) });
  }

  reply(bytes) {
    setTimeout(() => this.onmessage?.({ data: Uint8Array.from(bytes).buffer }));
  }

  /** The daemon says something on a topic of the room. */
  say(topic, payload) {
    const name = Buffer.from(`coilward/v1/room1/${topic}`);
    const body = Buffer.concat([Buffer.from([0, name.length]), name, Buffer.from([0]), Buffer.from(JSON.stringify(payload))]);
    const head = body.length < 128 ? [0x30, body.length] : [0x30, (body.length & 127) | 128, body.length >> 7];
    this.onmessage?.({ data: Uint8Array.from(Buffer.concat([Buffer.from(head), body])).buffer });
  }

  tell(frame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  close() {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose?.();
  }
}

export const posted = [];
let answers = true;
let toWorker = null;

globalThis.WebSocket = Socket;
class DedicatedWorkerGlobalScope {} // MQTT.js looks for this name
globalThis.self = Object.assign(new DedicatedWorkerGlobalScope(), { location: new URL("http://127.0.0.1:8480/") });
Object.defineProperty(globalThis, "navigator", { value: { userAgent: "test" }, configurable: true });
globalThis.addEventListener = (kind, handler) => {
  if (kind === "message") toWorker = handler;
};
globalThis.postMessage = (message) => {
  if (message.say === "ping") {
    if (answers) tell({ do: "pong" });
  } else posted.push(message);
};

export const tell = (data) => toWorker({ data });
/** Whether the page answers the worker's pings. */
export const pageAnswers = (yes) => {
  answers = yes;
};
export const newest = () => sockets.at(-1);
export const said = (say) => posted.filter((message) => message.say === say);
