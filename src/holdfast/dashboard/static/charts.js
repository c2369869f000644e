// The charts of the fleet page: drawn from the numbers in the page, redrawn when those or the theme change.
(() => {
  "use strict";
  const drawn = new Map();
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const strokes = { ok: "--ok", warn: "--warn", bad: "--bad", soft: "--soft", ink: "--ink" };
  const dashes = { warn: [6, 3], soft: [2, 3], bad: [8, 2, 2, 2] };

  const two = (number) => String(number).padStart(2, "0");
  const instants = (long) => (_, splits) => splits.map((split) => {
    const at = new Date(split * 1000);
    const day = `${at.getMonth() + 1}-${two(at.getDate())}`;
    return long ? day : `${two(at.getHours())}:${two(at.getMinutes())}`;
  });
  const axis = () => ({
    stroke: colour("--soft"),
    grid: { stroke: colour("--rule"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  });

  const draw = (box) => {
    const chart = JSON.parse(box.dataset.chart);
    const text = box.dataset.chart + colour("--ink") + box.clientWidth;
    if (drawn.get(box.id)?.text === text && box.firstChild) return;
    drawn.get(box.id)?.plot?.destroy();
    box.replaceChildren();
    if (!chart.at.length || !box.clientWidth) return;
    const plot = new uPlot(
      {
        width: box.clientWidth,
        height: box.clientHeight,
        cursor: { y: false, points: { size: 6 } },
        legend: { show: false },
        scales: { x: { range: () => [chart.since, chart.until] }, y: { range: (_, min, max) => [0, Math.max(1, max * 1.1)] } },
        axes: [{ ...axis(), size: 28, values: instants(chart.until - chart.since > 172800) }, { ...axis(), size: 46 }],
        series: [
          {},
          ...chart.lines.map((line) => ({
            label: line.name,
            stroke: colour(strokes[line.style]),
            width: 1.75,
            dash: dashes[line.style],
            points: { show: chart.at.length < 3 },
          })),
        ],
      },
      [chart.at, ...chart.lines.map((line) => line.values)],
      box,
    );
    for (const canvas of box.querySelectorAll("canvas")) canvas.setAttribute("aria-hidden", "true");
    drawn.set(box.id, { plot, text });
  };
  const drawAll = () => document.querySelectorAll("[data-chart]").forEach(draw);

  // The picture is ours; bringing the page up to date must change the numbers and leave the picture alone.
  if (window.Idiomorph) {
    const before = Idiomorph.defaults.callbacks.beforeNodeMorphed;
    Idiomorph.defaults.callbacks.beforeNodeMorphed = (old, next) => {
      if (old.dataset?.chart && next.dataset?.chart) {
        old.dataset.chart = next.dataset.chart;
        return false;
      }
      return before ? before(old, next) : true;
    };
  }
  drawAll();
  document.body.addEventListener("htmx:afterSwap", drawAll);
  document.addEventListener("holdfast:theme", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(drawAll, 150); });
})();
