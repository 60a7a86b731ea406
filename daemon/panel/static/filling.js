// Texts with figures in them. What fills a brace was said in English by whoever refused ("20 pulses at 10 Hz"); each
// phrase of the reader's language takes its place, whole words only, the longest first, as `daemon.words.figures` says.

const special = /[.*+?^${}()|[\]\\/-]/g;

/** {phrases, as_written} of one language → (field, value) → text. */
export function figuresOf({ figures = {}, as_written: asWritten = [] }) {
  const longest = Object.keys(figures).sort((a, b) => b.length - a.length);
  if (!longest.length) return (_, value) => String(value);
  const escaped = longest.map((phrase) => phrase.replace(special, "\\$&"));
  const whole = new RegExp(`(?<![\\w-])(?:${escaped.join("|")})(?![\\w-])`, "g");
  return (field, value) => (asWritten.includes(field) ? String(value) : String(value).replace(whole, (found) => figures[found]));
}

/** The text with its braces filled; one that nothing fills stays, to be seen. */
export const fill = (text, fields, figure = (_, value) => String(value)) =>
  text.replace(/\{([a-z_]+)\}/g, (brace, name) => (fields?.[name] == null ? brace : figure(name, fields[name])));
