"use strict";
(() => {
  const values = JSON.parse(document.getElementById("values").textContent);
  const runs = values.runs;
  const shown = { first: 0, second: runs.length > 1 ? 1 : null, hidden: new Set() };
  const FONT = { family: 'system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif', size: 12 };
  const CONFIG = {
    displaylogo: false,
    responsive: true,
    showSendToCloud: false, // what is in the page is nobody else's business
    plotlyServerURL: "",
    modeBarButtonsToRemove: ["select2d", "lasso2d"],
  };
  const MOST_TIMES = 3; // bars longer than this many times the 95th percentile are cut
  const PRINTED = { width: 510, height: 305 }; // pixels: four to a page

  // --- numbers and names, as accelsim's other reports write them

  const byId = (id) => document.getElementById(id);
  const whole = (value) => value.toLocaleString("en-US");
  const percent = (part) => `${(100 * part).toFixed(1)}%`;
  const runName = (run) => `${run.network} on ${run.hardware}`;

  function si(value) {
    if (Number.isInteger(value) && Math.abs(value) < 1000) return String(value);
    if (Math.abs(value) < 0.005) return value.toExponential(0);
    let scaled = value;
    for (const suffix of ["", "k", "M", "G", "T", "P"]) {
      const decimals = [2, 1, 0].find((count) => scaled.toFixed(count).length <= 4) ?? 0;
      const text = scaled.toFixed(decimals);
      if (Number(text) < 1000) return text + suffix;
      scaled /= 1000;
    }
    return value.toExponential(0);
  }

  /* `2.05G MAC`, and `9.80 mJ` where energies are in J. */
  function energy(value, unit) {
    if (unit !== "J") return `${si(value)} ${unit}`;
    const prefixes = ["", "m", "µ", "n", "p"];
    const steps = value > 0 ? Math.min(Math.max(Math.ceil(-Math.log10(value) / 3), 0), prefixes.length - 1) : 0;
    return `${si(value * 1000 ** steps)} ${prefixes[steps]}J`;
  }

  /* In columns and above bars: without the unit, where that is no part of a joule. */
  const energyWord = (value, run) => (run.energy_unit === "J" ? energy(value, "J") : si(value));

  const milliseconds = (time) => (time < 1 ? String(Number(time.toPrecision(3))) : si(time));
  const microseconds = (time) => (time < 1000 ? `${si(time)} µs` : `${si(time / 1000)} ms`);

  /* A logarithmic axis with plain numbers, of which there are more within a decade. */
  function logAxis(low, high) {
    const digits = high / low >= 10 ? [1, 2, 5] : [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9];
    const powers = [-3, -2, -1, 0, 1, 2, 3, 4, 5, 6];
    const ticks = powers.flatMap((power) => digits.map((digit) => Number((digit * 10 ** power).toPrecision(2))));
    const words = ticks.map((value) => (value < 1000 ? String(value) : si(value)));
    return { type: "log", tickvals: ticks, ticktext: words, zeroline: false };
  }

  /* Plotly reads a little HTML in its texts; names are not to be read so. */
  function plain(text) {
    return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  }

  // --- what is chosen

  const traffic = (run, at) => run.layers.dram_bytes_read[at] + run.layers.dram_bytes_write[at];
  const ratio = (value, least) => (least ? value / least : null);

  const chosenRuns = () => [shown.first, shown.second].filter((index) => index !== null);

  /* Places of a run's layers whose stages are chosen. */
  function places(run) {
    return run.layers.stage.flatMap((stage, place) => (shown.hidden.has(stage) ? [] : [place]));
  }

  function stagesOf(indices) {
    return [...new Set(indices.flatMap((index) => runs[index].layers.stage))];
  }

  // --- the summary's plots

  function barsOfRuns(target, title, axis, members, parts, text) {
    const traces = parts
      .map((part) => ({
        type: "bar",
        orientation: "h",
        name: plain(part.name),
        x: members.map((run) => part.of(run)),
        y: members.map((run) => plain(runName(run))),
        marker: part.marker,
        hoverinfo: "text",
        hovertext: members.map((run) => text(run, part)),
      }))
      .filter((trace) => trace.x.some((value) => value > 0));
    draw(target, traces, {
      ...layout(title, 128 + 22 * Math.max(members.length, 3)),
      barmode: "stack",
      legend: { orientation: "h", traceorder: "normal", x: 0, y: 1, yanchor: "bottom", xanchor: "left" },
      margin: { l: 10, r: 20, t: 84, b: 40 }, // room for the title and three rows of a legend
      xaxis: { title: { text: plain(axis) }, exponentformat: "SI", automargin: true },
      yaxis: { autorange: "reversed", automargin: true, dtick: 1 },
    });
  }

  function drawTimes(target) {
    const bounds = Object.entries(values.bounds).map(([key, look]) => ({
      name: look.name,
      marker: { color: look.colour },
      of: (run) => run.bound_ms[key] ?? 0,
    }));
    barsOfRuns(target, "Time, by what bounds the layers", "time [ms]", runs, bounds, (run, part) => [
      `<b>${plain(runName(run))}</b>`,
      `${milliseconds(run.time_ms)} ms, ${whole(run.cycles)} cycles`,
      `bound by ${part.name}: ${milliseconds(part.of(run))} ms, ${percent(part.of(run) / run.time_ms)}`,
    ].join("<br>"));
  }

  function drawEnergies(target, members) {
    const unit = members[0].energy_unit;
    const components = Object.entries(values.components).map(([key, look]) => ({
      name: look.name,
      marker: { color: look.colour, pattern: { shape: look.hatch, fillmode: "overlay", fgcolor: "#fff", size: 7, solidity: 0.2 } },
      of: (run) => run.energy_by_component[key] ?? 0,
    }));
    barsOfRuns(target, "Energy, by component", `energy [${unit}]`, members, components, (run, part) => [
      `<b>${plain(runName(run))}</b>`,
      plain(energy(run.energy, unit)),
      `${part.name}: ${plain(energy(part.of(run), unit))}, ${percent(part.of(run) / run.energy)}`,
    ].join("<br>"));
  }

  function drawSummary() {
    const priced = runs.filter((run) => run.energy > 0);
    const units = [...new Set(priced.map((run) => run.energy_unit))]; // no two units on one axis
    const [times, ...energies] = [null, ...units].map(() => {
      const target = document.createElement("div");
      target.className = "plot";
      return target;
    });
    byId("summary-plots").append(times, ...energies); // all of them first, as they share the width
    drawTimes(times);
    units.forEach((unit, index) => drawEnergies(energies[index], priced.filter((run) => run.energy_unit === unit)));
  }

  // --- the plots of layers

  function layout(title, height) {
    return {
      title: { text: plain(title), x: 0, xanchor: "left", xref: "container", pad: { l: 4 }, font: { size: 14 }, y: 0.99, yanchor: "top" },
      height,
      font: FONT,
      legend: { orientation: "h", traceorder: "normal", x: 0, y: 1.05, yanchor: "bottom", xanchor: "left" },
      margin: { l: 64, r: 14, t: 76, b: 54 },
      hovermode: "closest",
      hoverlabel: { align: "left", bgcolor: "#fff", font: { size: 12, color: "#1c2126" } },
      plot_bgcolor: "#fff",
      paper_bgcolor: "#fff",
    };
  }

  /* Everything about a layer that a person may ask for. */
  function layerText(run, place) {
    const layer = run.layers;
    const read = layer.dram_bytes_read[place];
    const written = layer.dram_bytes_write[place];
    const least = layer.compulsory_dram_bytes[place];
    const bound = values.bounds[layer.bound_by[place]];
    const lines = [
      `<b>${plain(layer.name[place])}</b> (${plain(layer.stage[place])})`,
      `${plain(layer.operator[place])} ${plain(layer.shape[place])}`,
      `dataflow: ${plain(layer.dataflow[place])}`,
      `${whole(layer.cycles[place])} cycles, ${microseconds(layer.time_us[place])}, ` +
        `${percent(layer.cycles[place] / run.cycles)} of the time`,
      `bound by ${bound.name}: ${bound.meaning}`,
      `${whole(layer.macs[place])} MACs, ${percent(layer.utilization[place])} of the PE cycles multiply` +
        (layer.skipped_macs[place] ? `, ${percent(layer.skipped_macs[place] / layer.macs[place])} skipped as zero` : ""),
      `${plain(run.off_chip)}: ${whole(read)} bytes read, ${whole(written)} written` +
        (least ? `, ${((read + written) / least).toFixed(2)} times the minimum` : ""),
      `energy: ${plain(energy(layer.energy[place], run.energy_unit))}`,
    ];
    return lines.join("<br>");
  }

  /* Positions as wanted, but a gap apart, and none beyond the most if that can be. */
  function apart(wanted, gap, most) {
    const found = [];
    for (const position of wanted) found.push(found.length ? Math.max(position, found.at(-1) + gap) : position);
    for (let index = found.length - 1; index >= 0; index--) {
      found[index] = Math.min(found[index], most);
      most = found[index] - gap;
    }
    return found;
  }

  /* Stages as upright ticks below the bars, every other one shaded. */
  function stageAxis(run, chosen) {
    const spans = [];
    chosen.forEach((place, bar) => {
      const stage = run.layers.stage[place];
      const last = spans.at(-1);
      if (last && last.stage === stage) last.end = bar;
      else spans.push({ stage, start: bar, end: bar });
    });
    return {
      axis: {
        range: [-0.75, chosen.length - 0.25],
        tickvals: apart(spans.map((span) => (span.start + span.end) / 2), 0.03 * chosen.length, chosen.length - 0.3),
        ticktext: spans.map((span) => plain(span.stage)),
        tickangle: 90,
        ticks: "outside", // a gap between the axis and its words
        ticklen: 4,
        tickcolor: "#fff",
        showgrid: false,
        zeroline: false,
        automargin: true,
      },
      shapes: spans
        .filter((_, index) => index % 2)
        .map((span) => ({
          type: "rect", xref: "x", yref: "paper", layer: "below", line: { width: 0 }, fillcolor: "#f1f3f5",
          x0: span.start - 0.5, x1: span.end + 0.5, y0: 0, y1: 1,
        })),
    };
  }

  /* Bars of the chosen layers: `of(place)` where a layer belongs to the trace, else nothing. */
  function bars(run, chosen, name, marker, of, more = {}) {
    const members = chosen.map((place, bar) => ({ place, bar })).filter(({ place }) => of(place) !== null);
    return {
      type: "bar",
      name,
      marker,
      x: members.map(({ bar }) => bar),
      y: members.map(({ place }) => of(place)),
      hoverinfo: "text",
      hovertext: members.map(({ place }) => layerText(run, place)),
      width: 0.85,
      ...more,
    };
  }

  function boundsIn(run, chosen) {
    return Object.entries(values.bounds).filter(([key]) => chosen.some((place) => run.layers.bound_by[place] === key));
  }

  function timePlot(run, chosen, limit) {
    const layer = run.layers;
    const { axis, shapes } = stageAxis(run, chosen);
    const traces = boundsIn(run, chosen).flatMap(([key, look]) => {
      const of = (list, factor) => (place) => (layer.bound_by[place] === key ? factor * list[place] : null);
      const marker = { color: look.colour };
      return [
        bars(run, chosen, look.name, marker, of(layer.time_us, 1), { legendgroup: key }),
        bars(run, chosen, look.name, marker, of(layer.utilization, 100), { legendgroup: key, showlegend: false, yaxis: "y2" }),
      ];
    });
    return {
      traces,
      layout: {
        ...layout(`Time and utilization: ${runName(run)}`, 400),
        barmode: "overlay",
        shapes,
        annotations: cutLabels(chosen, limit.time, (place) => layer.time_us[place], microseconds),
        xaxis: { ...axis, anchor: "y2" },
        yaxis: { title: { text: "time [µs]" }, domain: [0.42, 1], range: [0, limit.time], exponentformat: "none" },
        yaxis2: { title: { text: "utilization [%]" }, domain: [0, 0.36], range: [0, 100], dtick: 50 },
      },
    };
  }

  function rooflinePlot(run, chosen) {
    const layer = run.layers;
    const drawn = chosen.filter((place) => layer.macs_per_byte[place] !== null);
    const peak = run.peak_macs_per_cycle;
    const ridge = peak / run.dram_bytes_per_cycle;
    const across = [...drawn.map((place) => layer.macs_per_byte[place]), ridge];
    const left = Math.min(...across) / 2;
    const right = Math.max(...across) * 2;
    const roof = {
      type: "scatter", mode: "lines", name: "roof", line: { color: "#444", width: 1.5 }, showlegend: false,
      x: [left, ridge, right], y: [left * run.dram_bytes_per_cycle, peak, peak], hoverinfo: "skip",
    };
    const traces = boundsIn(run, drawn).map(([key, look]) => {
      const members = drawn.filter((place) => layer.bound_by[place] === key);
      return {
        type: "scatter",
        mode: "markers",
        name: look.name,
        x: members.map((place) => layer.macs_per_byte[place]),
        y: members.map((place) => layer.macs_per_cycle[place]),
        marker: {
          color: look.colour, symbol: look.symbol, opacity: 0.85, line: { color: "#fff", width: 0.6 },
          size: members.map((place) => Math.sqrt(50 + 2500 * layer.cycles[place] / run.cycles)),
        },
        hoverinfo: "text",
        hovertext: members.map((place) => `${layerText(run, place)}<br>${si(layer.macs_per_cycle[place])} MACs ` +
          `a cycle, ${si(layer.macs_per_byte[place])} a byte of ${plain(run.off_chip)} traffic`),
      };
    });
    const lowest = Math.min(left * run.dram_bytes_per_cycle, ...drawn.map((place) => layer.macs_per_cycle[place]));
    return {
      traces: [roof, ...traces],
      layout: {
        ...layout(`Roofline: ${runName(run)} (area: share of the time)`, 400),
        xaxis: { ...logAxis(left, right), range: [Math.log10(left), Math.log10(right)], title: { text: `executed MACs per byte of ${plain(run.off_chip)} traffic`, standoff: 6 } },
        yaxis: { ...logAxis(lowest, peak), title: { text: "executed MACs per cycle" } },
      },
    };
  }

  function energyPlot(run, chosen, limit) {
    const { axis, shapes } = stageAxis(run, chosen);
    const traces = Object.entries(values.components)
      .filter(([key]) => run.layers[`energy_${key}`])
      .map(([key, look]) =>
        bars(run, chosen, look.name, { color: look.colour }, (place) => run.layers[`energy_${key}`][place]));
    return {
      traces,
      layout: {
        ...layout(`Energy by component: ${runName(run)}`, 340),
        barmode: "stack",
        shapes,
        annotations: cutLabels(chosen, limit.energy, (place) => run.layers.energy[place], (value) => energyWord(value, run)),
        xaxis: axis,
        yaxis: { title: { text: plain(`energy [${run.energy_unit}]`) }, range: [0, limit.energy], exponentformat: "SI" },
      },
    };
  }

  function trafficPlot(run, chosen, limit) {
    const layer = run.layers;
    const { axis, shapes } = stageAxis(run, chosen);
    const least = { // a line across each bar, the next one apart
      type: "scatter", mode: "lines", name: "compulsory minimum", hoverinfo: "skip",
      line: { color: "#000", width: 1.3 },
      x: chosen.flatMap((_, bar) => [bar - 0.5, bar + 0.5, null]),
      y: chosen.flatMap((place) => [layer.compulsory_dram_bytes[place], layer.compulsory_dram_bytes[place], null]),
    };
    return {
      traces: [
        bars(run, chosen, "read", { color: "#0072B2" }, (place) => layer.dram_bytes_read[place]),
        bars(run, chosen, "written", { color: "#E69F00" }, (place) => layer.dram_bytes_write[place]),
        least,
      ],
      layout: {
        ...layout(`${plain(run.off_chip)} traffic: ${runName(run)}`, 340),
        barmode: "stack",
        shapes,
        annotations: cutLabels(chosen, limit.traffic, (place) => traffic(run, place), (bytes) => `${si(bytes)}B`),
        xaxis: axis,
        yaxis: { title: { text: `${plain(run.off_chip)} traffic [byte]` }, range: [0, limit.traffic], exponentformat: "SI" },
      },
    };
  }

  /* Above the longest bar, unless it is many times longer than most: then the others could not be read. */
  function cutLimit(lengths) {
    const ordered = [...lengths].sort((left, right) => left - right);
    const most = ordered[Math.ceil(0.95 * ordered.length) - 1] ?? 0;
    const longest = ordered.at(-1) ?? 0;
    return (most <= 0 || longest <= MOST_TIMES * most ? 1.05 * longest : MOST_TIMES * most) || 1;
  }

  /* Where the bars of these runs are cut. */
  function limits(indices) {
    const of = (length) => cutLimit(indices.flatMap((index) => places(runs[index]).map((at) => length(runs[index], at))));
    return {
      time: of((run, at) => run.layers.time_us[at]),
      energy: of((run, at) => run.layers.energy[at]),
      traffic: of((run, at) => traffic(run, at)),
    };
  }

  /* The values of bars that are cut, above them. */
  function cutLabels(chosen, limit, length, text) {
    const cut = chosen.map((place, bar) => ({ place, bar })).filter(({ place }) => length(place) > limit);
    const at = apart(cut.map(({ bar }) => bar), 0.1 * chosen.length, chosen.length);
    return cut.map(({ place }, index) => ({
      x: at[index], y: 1, xref: "x", yref: "paper", yanchor: "bottom", showarrow: false, text: text(length(place)),
    }));
  }

  function drawLayers() {
    const indices = chosenRuns();
    const oneScale = byId("one-scale").checked;
    const oneUnit = new Set(indices.map((index) => runs[index].energy_unit)).size === 1;
    const plots = { time: timePlot, roofline: rooflinePlot, energy: energyPlot, traffic: trafficPlot };
    const targets = [];
    for (const [kind, plot] of Object.entries(plots)) {
      for (const index of indices) {
        const own = limits([index]);
        const limit = oneScale ? limits(indices) : own;
        if (!oneUnit) limit.energy = own.energy;
        const target = document.createElement("div");
        target.className = "plot";
        target.dataset.plot = kind;
        target.dataset.run = index;
        targets.push([target, plot(runs[index], places(runs[index]), limit)]);
      }
    }
    const parent = byId("layer-plots");
    for (const old of parent.children) Plotly.purge(old);
    parent.replaceChildren(...targets.map(([target]) => target));
    for (const [target, drawn] of targets) draw(target, drawn.traces, drawn.layout);
  }

  // --- tables

  const COLUMNS = [
    ["run", "text", (run) => [runName(run)]],
    ["layer", "text", (run, at) => [run.layers.name[at]]],
    ["stage", "text", (run, at) => [run.layers.stage[at]]],
    ...(runs.some((run) => run.layers.cascade) ? [["cascade", "number", (run, at) => [run.layers.cascade?.[at] ?? null]]] : []),
    ["operator", "text", (run, at) => [run.layers.operator[at]]],
    ["shape", "text", (run, at) => [run.layers.shape[at]]],
    ["dataflow", "text", (run, at) => [run.layers.dataflow[at]]],
    ["MACs", "number", (run, at) => [run.layers.macs[at], si]],
    ["cycles", "number", (run, at) => [run.layers.cycles[at], whole]],
    ["% of time", "number", (run, at) => [run.layers.cycles[at] / run.cycles, (part) => (100 * part).toFixed(1)]],
    ["PE%", "number", (run, at) => [run.layers.macs[at] ? run.layers.utilization[at] : null, (part) => (100 * part).toFixed(1)]],
    ["zero%", "number", (run, at) => [run.layers.macs[at] ? run.layers.skipped_macs[at] / run.layers.macs[at] : null, (part) => (100 * part).toFixed(1)]],
    ["x bound", "number", (run, at) => [ratio(run.layers.cycles[at], run.layers.least_cycles[at]), (times) => times.toFixed(2)]],
    [`${values.off_chip} [byte]`, "number", (run, at) => [traffic(run, at), si]],
    ["x least", "number", (run, at) => [ratio(traffic(run, at), run.layers.compulsory_dram_bytes[at]), (times) => times.toFixed(2)]],
    ["buffer [byte]", "number", (run, at) => [run.layers.global_buffer_bytes[at], si]],
    ["energy", "number", (run, at) => [run.layers.energy[at], (value) => energyWord(value, run)]],
    ["bound by", "text", (run, at) => [values.bounds[run.layers.bound_by[at]].name]],
    ["tile", "text", (run, at) => [run.layers.tile[at]]],
  ];

  function fillTable() {
    const table = byId("layer-table");
    const rows = chosenRuns().flatMap((index) => places(runs[index]).map((place) => {
      const row = document.createElement("tr");
      for (const [, kind, of] of COLUMNS) {
        const [value, form] = of(runs[index], place);
        const cell = row.insertCell();
        cell.dataset.value = value ?? "";
        cell.textContent = value === null ? "-" : form ? form(value) : value;
        if (kind === "number") cell.className = "number";
      }
      return row;
    }));
    table.tBodies[0].replaceChildren(...rows);
    const sorted = table.querySelector("th[aria-sort]");
    if (sorted) sortRows(table, sorted.cellIndex, sorted.getAttribute("aria-sort"));
  }

  function headTable() {
    const row = byId("layer-table").tHead.insertRow();
    for (const [name, kind] of COLUMNS) {
      const head = document.createElement("th");
      head.scope = "col";
      head.className = kind;
      head.textContent = name;
      row.append(head);
    }
  }

  /* Empty values last, whichever way the others go. */
  function sortRows(table, column, direction) {
    const isNumber = table.tHead.rows[0].cells[column].classList.contains("number");
    const sign = direction === "descending" ? -1 : 1;
    const keyed = [...table.tBodies[0].rows].map((row) => [row.cells[column].dataset.value, row]);
    keyed.sort(([left], [right]) => {
      if (left === "" || right === "") return (left === "") - (right === "");
      return sign * (isNumber ? Number(left) - Number(right) : left.localeCompare(right, "en", { numeric: true }));
    });
    table.tBodies[0].append(...keyed.map(([, row]) => row));
  }

  /* Headings are no buttons, as those are not printed again on the pages that follow. */
  function makeSortable(table) {
    for (const head of table.tHead.rows[0].cells) {
      head.tabIndex = 0;
      head.addEventListener("click", () => sortBy(table, head));
      head.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        sortBy(table, head);
      });
    }
  }

  /* Numbers from the largest, words from A; the second time the other way round. */
  function sortBy(table, head) {
    const [first, second] = head.classList.contains("number") ? ["descending", "ascending"] : ["ascending", "descending"];
    const direction = head.getAttribute("aria-sort") === first ? second : first;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction);
    sortRows(table, head.cellIndex, direction);
  }

  // --- choices

  function fillStages() {
    const names = stagesOf(chosenRuns());
    byId("stages").replaceChildren(...names.map((name) => {
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.value = name;
      box.checked = !shown.hidden.has(name);
      box.addEventListener("change", () => {
        if (box.checked) shown.hidden.delete(name);
        else shown.hidden.add(name);
        showLayers();
      });
      label.append(box, ` ${name}`);
      return label;
    }));
  }

  function showLayers() {
    const indices = chosenRuns();
    for (const row of byId("summary-table").tBodies[0].rows) {
      row.classList.toggle("shown", indices.includes(Number(row.dataset.run)));
    }
    drawLayers();
    fillTable();
  }

  function choose(first, second) {
    shown.first = first;
    shown.second = second === first ? null : second;
    byId("first-run").value = shown.first;
    byId("second-run").value = shown.second ?? "";
    fillStages();
    showLayers();
  }

  function makeChoices() {
    const options = () => runs.map((run, index) => new Option(runName(run), index));
    byId("first-run").append(...options());
    byId("second-run").append(new Option("nothing", ""), ...options());
    byId("first-run").addEventListener("change", (event) => choose(Number(event.target.value), shown.second));
    byId("second-run").addEventListener("change", (event) =>
      choose(shown.first, event.target.value === "" ? null : Number(event.target.value)));
    byId("one-scale").addEventListener("change", drawLayers);
    byId("all-stages").addEventListener("click", () => chooseStages(() => true));
    byId("no-stage").addEventListener("click", () => chooseStages(() => false));
    for (const button of document.querySelectorAll("#summary-table button[data-run]")) {
      button.addEventListener("click", () => {
        choose(Number(button.dataset.run), shown.second);
        byId("layers").scrollIntoView();
      });
    }
  }

  function chooseStages(isShown) {
    for (const name of stagesOf(chosenRuns())) {
      if (isShown(name)) shown.hidden.delete(name);
      else shown.hidden.add(name);
    }
    fillStages();
    showLayers();
  }

  /* A plot in an element of its height: that is what is measured when the window changes. */
  function draw(target, traces, drawn) {
    const { height, ...rest } = drawn;
    target.dataset.height = height;
    target.style.height = `${height}px`;
    Plotly.newPlot(target, traces, rest, CONFIG);
  }

  function resizeForPrint() {
    for (const plot of document.querySelectorAll(".js-plotly-plot")) {
      const height = plot.dataset.plot ? PRINTED.height : Number(plot.dataset.height); // a bar for each run needs its own
      plot.style.height = `${height}px`;
      Plotly.relayout(plot, { width: PRINTED.width, height, autosize: false });
    }
  }

  function resizeForScreen() {
    for (const plot of document.querySelectorAll(".js-plotly-plot")) {
      plot.style.height = `${plot.dataset.height}px`;
      Plotly.relayout(plot, { width: null, height: null, autosize: true });
    }
  }

  drawSummary();
  headTable();
  document.querySelectorAll("table.sortable").forEach(makeSortable);
  makeChoices();
  choose(shown.first, shown.second);
  window.addEventListener("beforeprint", resizeForPrint);
  window.addEventListener("afterprint", resizeForScreen);
})();
