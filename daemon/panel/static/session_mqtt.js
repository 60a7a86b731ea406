// One connection to the broker, from CONNECT to its end. It is never reopened: a new connection is a new object with an
// empty store, so nothing that was asked on a dead line is ever sent later.

import mqtt from "./vendor/mqtt.js";

const PREFIX = "coilward/v1";
const KEEPALIVE_S = 5;
const CONNECT_MS = 4000;
const EXPIRY_S = 2;

export const hex = (bytes) =>
  Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const REFUSED = new Set([4, 5, 0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c]);

export class MqttSession {
  /** Where this connection's answers go. */
  client = `p-${hex(12)}`;
  #client;
  #base;
  #user;
  #over = false;
  #told;

  /** `told`: {accepted, refused, heard(topic, payload, retained), closed}. */
  constructor({ url, user, password, room, line, told }) {
    this.#base = `${PREFIX}/${room}`;
    this.#user = user;
    this.#told = told;
    this.#client = mqtt.connect(url, {
      protocolVersion: 5,
      clean: true,
      clientId: `panel-${hex(12)}`,
      username: user,
      password,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_MS,
      reconnectPeriod: 0,
      queueQoSZero: false,
      resubscribe: false,
      timerVariant: "native",
      createWebsocket: line,
    });
    this.#client.on("connect", () => this.#connected());
    this.#client.on("error", (problem) => this.#failed(problem));
    this.#client.on("message", (topic, payload, packet) => told.heard(topic, payload, packet.retain === true));
    this.#client.on("close", () => this.end());
  }

  get connected() {
    return !this.#over && this.#client.connected;
  }

  #connected() {
    const fresh = { qos: 1, rh: 2 };
    this.#client.subscribe({
      [`${this.#base}/reply/${this.#user}/${this.client}`]: fresh,
      [`${this.#base}/state/+`]: { qos: 1 },
      [`${this.#base}/meta`]: { qos: 1 },
      [`${this.#base}/practice`]: { qos: 1 },
      [`${this.#base}/event/+`]: fresh,
      [`${this.#base}/heartbeat`]: { qos: 0, rh: 2 },
    });
    this.#told.accepted();
  }

  #failed(problem) {
    if (REFUSED.has(problem.code)) this.#told.refused();
    this.end();
  }

  /** Publishes a command; `refused` is told when the broker does not allow it. Never called while not connected. */
  command(verb, payload, refused) {
    const properties = {
      responseTopic: `${this.#base}/reply/${this.#user}/${this.client}`,
      correlationData: new TextEncoder().encode(payload.id),
      messageExpiryInterval: EXPIRY_S,
    };
    const topic = `${this.#base}/cmd/${this.#user}/${verb}`;
    this.#client.publish(topic, JSON.stringify(payload), { qos: 1, properties }, (problem) => problem && refused());
  }

  present(nonce) {
    this.#client.publish(`${this.#base}/presence/${this.#user}`, JSON.stringify({ nonce }), { qos: 0 });
  }

  /** For good: what has not gone out is dropped. */
  end() {
    if (this.#over) return;
    this.#over = true;
    this.#client.end(true);
    this.#told.closed();
  }
}
