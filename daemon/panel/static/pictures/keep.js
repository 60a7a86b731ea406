// What the pictures are drawn from, kept bounded whether anybody looks or not.

import { onEvent, room } from "../link.js";
import { effect, signal } from "../vendor/ui.js";
import { hearTrain, noTrains, Ring } from "./rings.js";

const MINUTES = 10;
const A_SECOND = 5;

/** Seconds, off mm, off degrees, head mm/s, temperature °C. */
export const series = new Ring(5, MINUTES * 60 * A_SECOND);
export const trains = signal(noTrains());

export function keepPictures() {
  onEvent((event) => {
    const next = hearTrain(trains.peek(), event);
    if (next !== trains.peek()) trains.value = next;
  });
  let last = null;
  effect(() => {
    const { docs } = room.value;
    const arm = docs.arm?.[0];
    const watchdog = docs.watchdog?.[0];
    const newest = arm ?? watchdog;
    if (!newest || newest === last) return;
    last = newest;
    const temperature = watchdog?.status?.device?.temperature_tenths;
    series.put(newest.at / 1000, arm?.off_mm, arm?.off_deg, arm?.head_speed_mm_s, temperature == null ? null : temperature / 10);
  });
}
