// Two patterns of tones in the manner of IEC 60601-1-8: five quick ones for high, three slow ones for medium. The
// browser gives sound only after a first press; until then the page says so.

const HIGH = { tones: [0, 0.18, 0.36, 0.7, 0.88], hertz: 660, everyMs: 4000 };
const MEDIUM = { tones: [0, 0.35, 0.7], hertz: 440, everyMs: 10000 };
const TONE_S = 0.14;

let context = null;
let next = 0;

export const blocked = () => context === null || context.state !== "running";

export function allowSound() {
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume();
}

function tone(at, hertz) {
  const [source, gain] = [context.createOscillator(), context.createGain()];
  source.frequency.value = hertz;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(0.4, at + 0.02);
  gain.gain.setValueAtTime(0.4, at + TONE_S - 0.03);
  gain.gain.linearRampToValueAtTime(0, at + TONE_S);
  source.connect(gain).connect(context.destination);
  source.start(at);
  source.stop(at + TONE_S);
}

/** Called often; sounds when the pattern is due. `severity` null: silence. */
export function sound(severity, nowMs) {
  if (!severity) {
    next = 0;
    return;
  }
  if (blocked() || nowMs < next) return;
  const pattern = severity === "high" ? HIGH : MEDIUM;
  next = nowMs + pattern.everyMs;
  pattern.tones.forEach((offset) => tone(context.currentTime + offset, pattern.hertz));
}
