// Strip charts of the last minute. Drawn at most ten times a second, and not at all while nobody sees them.

import { clock } from "../clock.js";
import { language, t } from "../words.js";
import { html, useEffect, useRef } from "../vendor/ui.js";
import uPlot from "../vendor/uplot.js";
import { series } from "./keep.js";

const SPAN_S = 60;
const EVERY_MS = 100;
const HEIGHT = 110;
const CHARTS = [
  { key: "picture-position", column: 1, limits: [2, 5], least: 6 },
  { key: "picture-angle", column: 2, limits: [3, 6], least: 7 },
  { key: "picture-head-speed", column: 3, limits: [5, 20], least: 22 },
  { key: "picture-temperature", column: 4, limits: [40], least: 42 },
];

const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

function limitLines(limits) {
  return (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.setLineDash([6, 4]);
    ctx.strokeStyle = colour("--warn-ink");
    for (const limit of limits) {
      const y = plot.valToPos(limit, "y", true);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
    ctx.restore();
  };
}

function made(host, { key, limits, least }) {
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line-soft") }, ticks: { show: false }, font: "12px system-ui" };
  return new uPlot(
    {
      width: host.clientWidth || 300,
      height: HEIGHT,
      title: t(key),
      cursor: { show: false },
      legend: { show: false },
      scales: { x: { time: false, range: [-SPAN_S, 0] }, y: { range: (_, low, high) => [0, Math.max(least, (high ?? 0) * 1.1)] } },
      axes: [{ ...axis, values: (_, ticks) => ticks.map((tick) => `${tick} s`), size: 26 }, { ...axis, size: 40 }],
      series: [{}, { stroke: colour("--accent"), width: 2, spanGaps: false, points: { show: false } }],
      hooks: { draw: [limitLines(limits)] },
    },
    [[], []],
    host,
  );
}

export function Charts({ columns }) {
  const hosts = useRef([]);
  const shown = CHARTS.filter((chart) => columns.includes(chart.column));
  useEffect(() => {
    const mine = hosts.current.slice(0, shown.length);
    const plots = shown.map((chart, index) => made(mine[index], chart));
    const draw = () => {
      if (document.hidden) return;
      const now = clock() / 1000;
      const data = series.since(now - SPAN_S);
      const x = data[0].map((at) => at - now);
      plots.forEach((plot, index) => plot.setData([x, data[shown[index].column]]));
    };
    const fit = new ResizeObserver(() =>
      plots.forEach((plot, index) => plot.setSize({ width: mine[index].clientWidth, height: HEIGHT })),
    );
    mine.forEach((host) => fit.observe(host));
    const timer = setInterval(draw, EVERY_MS);
    return () => {
      clearInterval(timer);
      fit.disconnect();
      plots.forEach((plot) => plot.destroy());
    };
  }, [language.value, columns.join()]);
  return html`<div class="charts" data-test="charts">
    ${shown.map((chart, index) => html`<div class="chart" key=${chart.key} data-test=${chart.key}
      ref=${(host) => (hosts.current[index] = host)}></div>`)}
  </div>`;
}
