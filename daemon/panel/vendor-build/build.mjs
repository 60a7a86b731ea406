// Bundles what the panel takes from others into ../static/vendor, and writes down what it is made of.
// Run by hand when a version in package.json changes: npm ci && npm run build. The result is committed.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const OUT = new URL("../static/vendor/", import.meta.url);
const LIBRARIES = {
  "ui.js": ["preact", "@preact/signals", "@preact/signals-core", "htm"],
  "mqtt.js": ["mqtt", "mqtt-packet"],
  "uplot.js": ["uplot"],
  "uplot.css": ["uplot"],
  "three.js": ["three"],
};

const MODULES = new URL("node_modules/", import.meta.url);
const LICENCES = "LICENCES.txt";

/** Of everything npm put here that a bundle may hold a part of; what only builds is left out. */
function licences() {
  const { packages } = JSON.parse(readFileSync(new URL("package-lock.json", import.meta.url)));
  const named = Object.entries(packages).filter(([path, row]) => path && !row.dev && !row.optional);
  const texts = named.map(([path, { version, license }]) => {
    const folder = new URL(`${path}/`, import.meta.url);
    const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
    const text = file ? readFileSync(new URL(file, folder), "utf8") : `${license}, no text given`;
    return `${path.replace(/^.*node_modules\//, "")} ${version}: ${license}\n\n${text.trim()}\n`;
  });
  return texts.join(`\n${"-".repeat(100)}\n`);
}

const about = (name) => {
  const { version, license } = JSON.parse(readFileSync(new URL(`${name}/package.json`, MODULES)));
  return { name, version, licence: license };
};

mkdirSync(OUT, { recursive: true });
const files = {};

function put(file, bytes, libraries) {
  writeFileSync(new URL(file, OUT), bytes);
  files[file] = {
    sha256: createHash("sha256").update(bytes).digest("hex"),
    bytes: bytes.length,
    made_of: libraries.map(about),
  };
}

for (const [file, libraries] of Object.entries(LIBRARIES)) {
  const source = file.endsWith(".css") ? "node_modules/uplot/dist/uPlot.min.css" : `entries/${file}`;
  const { outputFiles } = await build({
    absWorkingDir: new URL(".", import.meta.url).pathname,
    entryPoints: [source],
    bundle: true,
    format: "esm",
    minify: true,
    target: "es2022",
    legalComments: "eof",
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    write: false,
    outfile: file,
  });
  put(file, outputFiles[0].contents, libraries);
}
put(LICENCES, Buffer.from(licences()), []);
writeFileSync(new URL("vendor.json", OUT), `${JSON.stringify(files, null, 2)}\n`);
