// One WebSocket to the panel's server, shared by two users. Binary frames are MQTT's and look to MQTT.js like a
// WebSocket of its own; text frames are STOP's and Emergency's way past the broker. When the broker is lost MQTT.js
// believes this line closed, while the socket stays open for text.

const OPEN = 1;
const CLOSED = 3;

export class Line extends EventTarget {
  OPEN = OPEN;
  /** The broker has accepted a sign-in on this line: from then on the server takes text frames from it. */
  accepted = false;
  #socket;
  #mqttOver = false;

  constructor(url, protocols, onText) {
    super();
    this.#socket = new WebSocket(url, protocols);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.dispatchEvent(new Event("open"));
    this.#socket.onerror = () => this.dispatchEvent(new Event("error"));
    this.#socket.onclose = () => this.endMqtt();
    this.#socket.onmessage = ({ data }) => {
      if (typeof data === "string") onText(data, this);
      else if (!this.#mqttOver) this.dispatchEvent(new MessageEvent("message", { data }));
    };
  }

  get readyState() {
    return this.#mqttOver ? CLOSED : this.#socket.readyState;
  }

  get bufferedAmount() {
    return this.#socket.bufferedAmount;
  }

  get open() {
    return this.#socket.readyState === OPEN;
  }

  send(bytes) {
    this.#socket.send(bytes);
  }

  /** MQTT.js has done with it; the socket stays, until `retire`. */
  close() {
    this.endMqtt();
  }

  endMqtt() {
    if (this.#mqttOver) return;
    this.#mqttOver = true;
    this.dispatchEvent(new Event("close"));
  }

  /** Whether the text frame could be handed to the network now. */
  sendText(text) {
    if (!this.accepted || !this.open) return false;
    this.#socket.send(text);
    return true;
  }

  retire() {
    this.endMqtt();
    this.#socket.close();
  }
}
