// What the worker has for the page. While the page answers, everything goes at once; while it hangs, states are kept in
// their newest form only and events up to a bound, so that a page that hangs for an hour does not fill the memory.

export const MOST_EVENTS = 512;

export class Outbox {
  #post;
  #states = new Map();
  #events = [];
  #missed = 0;

  constructor(post) {
    this.#post = post;
  }

  /** `message` as made by the worker; `late`: the page has not answered its ping. */
  put(message, late) {
    if (!late) {
      this.#post(message);
      return;
    }
    if (message.say !== "heard") this.#push(message);
    else if (message.channel === "event") this.#push(message);
    else this.#keep(message);
  }

  #keep(message) {
    const kept = this.#states.get(message.channel) ?? [];
    this.#states.set(message.channel, [...kept.slice(-1), message]);
  }

  #push(message) {
    if (this.#events.length >= MOST_EVENTS) this.#missed += 1;
    else this.#events.push(message);
  }

  /** The page answers again. */
  flush() {
    for (const pair of this.#states.values()) pair.forEach((message) => this.#post(message));
    this.#states.clear();
    this.#events.splice(0).forEach((message) => this.#post(message));
    if (this.#missed) this.#post({ say: "missed", count: this.#missed });
    this.#missed = 0;
  }
}
