// A bounded series of numbers over time, and what became of the pulses of the present train: pure, so that eight hours
// of messages can be replayed in a test.

/** Columns of equal length; the oldest point falls out when `most` is reached. */
export class Ring {
  constructor(columns, most) {
    this.most = most;
    this.columns = Array.from({ length: columns }, () => new Float64Array(most));
    this.length = 0;
    this.next = 0;
  }

  put(...values) {
    values.forEach((value, index) => {
      this.columns[index][this.next] = value ?? NaN;
    });
    this.next = (this.next + 1) % this.most;
    this.length = Math.min(this.length + 1, this.most);
  }

  /** Plain arrays, the oldest first, of the points at or after `from` in the first column; NaN becomes null. */
  since(from) {
    const start = (this.next - this.length + this.most) % this.most;
    const out = this.columns.map(() => []);
    for (let n = 0; n < this.length; n += 1) {
      const at = (start + n) % this.most;
      if (this.columns[0][at] < from) continue;
      this.columns.forEach((column, index) => out[index].push(Number.isNaN(column[at]) ? null : column[at]));
    }
    return out;
  }
}

export const MOST_TRAINS = 400;
const WITHHELD = new Set(["left-out", "refused", "not-delivered"]);

export const noTrains = () => ({ session: null, trains: new Map(), pulses: [], current: null });

/** The account of a session's trains after one event of the room's. */
export function hearTrain(account, { kind, detail }) {
  if (kind === "opened") return { ...noTrains(), session: detail.session ?? null };
  if (kind === "watchdog") return hearWatchdog(account, detail.told ?? {});
  if (kind === "pulse") return hearPulse(account, detail);
  if (kind !== "train") return account;
  const { train, pulses, commanded, unknown } = detail;
  const trains = new Map(account.trains);
  const before = trains.get(train) ?? { pulses: 0, commanded: 0, unknown: 0 };
  trains.set(train, {
    pulses: before.pulses + pulses,
    commanded: before.commanded + commanded,
    unknown: before.unknown + unknown,
  });
  if (trains.size > MOST_TRAINS) trains.delete(trains.keys().next().value);
  return { ...account, trains };
}

function hearWatchdog(account, told) {
  if (told.kind === "granted") return { ...account, current: { pulses: told.pulses, train: told.train, at_us: null, ended: false } };
  if (told.kind === "trigger" && account.current?.at_us === null)
    return { ...account, current: { ...account.current, at_us: told.at_us } };
  if (told.kind === "settled" && account.current)
    return { ...account, current: { ...account.current, ended: true, delivered: told.pulses } };
  return account;
}

function hearPulse(account, { train, pulse, verdict, flags, target }) {
  const fate = flags?.includes("missed") || WITHHELD.has(verdict) ? "withheld" : verdict === "unknown" ? "unknown" : "delivered";
  const before = account.shown === train ? account.pulses : [];
  const marked = [...before, { pulse, fate, off: target === "off" }].slice(-2000);
  return { ...account, shown: train, pulses: marked };
}
