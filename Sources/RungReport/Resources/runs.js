// Runs: what lies under the pointer in a timeline, the table of executions, two runs side by side. Then all is started.

function runTable(place, run) {
  const columns = [
    { name: "step", choices: run.steps, value: (row) => run.steps[run.rows[row][1]] },
    { name: "instance", value: (row) => run.rows[row][0] || "–" },
    { name: "started", isNumber: true, value: (row) => run.rows[row][2], words: (value) => `+${span(value)}` },
    { name: "took", isNumber: true, value: (row) => run.rows[row][3], words: span },
    { name: "processor time", isNumber: true, value: (row) => run.rows[row][4], words: span },
    { name: "memory", isNumber: true, value: (row) => run.rows[row][5], words: size },
    { name: "slot", isNumber: true, value: (row) => run.rows[row][7] + 1 },
    { name: "ended", choices: run.outcomes, value: (row) => run.outcomes[run.rows[row][6]], style: (value) => value === "succeeded" ? "" : "bad" },
    { name: "critical", choices: ["yes", "no"], value: (row) => run.rows[row][8] ? "yes" : "no" },
  ];
  return new LongTable(place, { caption: "Executions of this run", columns, count: run.rows.length, id: "execution-table" });
}

function timeline(run) {
  const picture = find(".timeline svg");
  const words = document.getElementById("timeline-hover");
  if (!picture || !words) return;
  const rowHeight = Number(picture.dataset.row);
  const end = Number(picture.dataset.end);
  const bySlot = new Map();
  for (const row of run.rows) {
    if (!bySlot.has(row[7])) bySlot.set(row[7], []);
    bySlot.get(row[7]).push(row);
  }
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const view = picture.viewBox.baseVal;
    const x = (event.clientX - box.left) / box.width * view.width;
    const y = (event.clientY - box.top) / box.height * view.height;
    const time = (x - 8) / (view.width - 16) * end;
    const margin = 2 / view.width * end;
    const row = (bySlot.get(Math.floor(y / rowHeight)) ?? []).find((one) => time >= one[2] - margin && time <= one[2] + one[3] + margin);
    words.textContent = row ? `${run.steps[row[1]]}${row[0]}: ${span(row[3])}, from +${span(row[2])}${row[5] ? `, ${size(row[5])}` : ""}` : "\u00a0";
  });
}

class RunComparison {
  constructor(data) {
    this.data = data;
    this.place = document.getElementById("comparison");
    this.selects = ["run-a", "run-b"].map((id) => document.getElementById(id));
    // The newest that executed something, and the one before it that executed something of the same.
    const after = Math.max(0, data.runs.findIndex((run) => run.totals.length > 0));
    const steps = new Set(data.runs[after].totals.map((total) => total[0]));
    const before = data.runs.findIndex((run, index) => index > after && run.totals.some((total) => steps.has(total[0])));
    [before < 0 ? Math.min(after + 1, data.runs.length - 1) : before, after].forEach((index, at) => { this.selects[at].value = String(index); });
    for (const select of this.selects) select.addEventListener("change", () => this.show());
    this.show();
  }

  show() {
    const [before, after] = this.selects.map((select) => this.data.runs[Number(select.value)]);
    const head = (names) => make("thead", {}, make("tr", {}, names.map(([name, isNumber]) =>
      make("th", { scope: "col", class: isNumber ? "number" : "text" }, name))));
    const cell = (words, style = "number") => make("td", { class: style }, words);
    const pair = (name, a, b) => make("tr", {}, make("th", { scope: "row" }, name), cell(a, a === b ? "" : "changed"), cell(b, a === b ? "" : "changed"));
    const facts = new Map();
    for (const [index, run] of [before, after].entries()) {
      const own = [["Started", `${run.when} UTC`], ["Command", run.arguments], ["Took", run.took === null ? "not finished" : span(run.took)],
        ["Executed", grouped(run.ran)], ["In the cache", grouped(run.unchanged)], ["Failed", grouped(run.failed)], ...run.facts];
      for (const [name, text] of own) {
        if (!facts.has(name)) facts.set(name, ["", ""]);
        facts.get(name)[index] = text;
      }
    }
    const general = make("table", {}, head([["What", false], ["Before", false], ["After", false]]),
      make("tbody", {}, [...facts].map(([name, [a, b]]) => pair(name, a, b))));
    const totals = new Map();
    [before, after].forEach((run, index) => {
      for (const total of run.totals) {
        if (!totals.has(total[0])) totals.set(total[0], [null, null]);
        totals.get(total[0])[index] = total;
      }
    });
    const ratio = (a, b) => a && b && a[2] / a[1] > 0 ? `× ${short((b[2] / b[1]) / (a[2] / a[1]), 3)}` : "";
    const steps = make("table", { id: "comparison-steps" }, head([["Step", false], ["Ran before", true], ["Ran after", true], ["Each took before", true], ["Each took after", true], ["Ratio", true]]),
      make("tbody", {}, [...totals].map(([step, [a, b]]) => make("tr", {}, make("th", { scope: "row" }, this.data.steps[step]),
        cell(a ? grouped(a[1]) : "–"), cell(b ? grouped(b[1]) : "–"), cell(a ? span(a[2] / a[1]) : "–"), cell(b ? span(b[2] / b[1]) : "–"), cell(ratio(a, b))))));
    for (const table of [steps]) sortInPlace(table);
    const region = (label, table) => make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": label }, table);
    this.place.replaceChildren(make("h2", {}, "In general"), region("In general", general), make("h2", {}, "By step"), region("By step", steps),
      make("h2", {}, "Results of both"), ...this.results(before, after));
  }

  // What both executed, with whether it came out the same.
  results(before, after) {
    if (!before.whole || !after.whole) return [make("p", { class: "note" }, "One of them executed too much to compare instance by instance here; rung diff does it.")];
    const earlier = new Map(before.results.map((row) => [`${row[1]} ${row[0]}`, row]));
    const both = after.results.filter((row) => earlier.has(`${row[1]} ${row[0]}`)).map((row) => [earlier.get(`${row[1]} ${row[0]}`), row]);
    if (both.length === 0) return [make("p", { class: "note" }, "No instance was executed in both.")];
    const same = both.filter(([a, b]) => a[3] === b[3]).length;
    const place = make("div");
    const word = ([a, b]) => a[3] === b[3] ? "same" : "different";
    new LongTable(place, { caption: "Instances that both runs executed", id: "comparison-table", count: both.length, columns: [
      { name: "step", value: (row) => this.data.steps[both[row][1][1]] }, { name: "instance", value: (row) => both[row][1][0] || "–" },
      { name: "result", choices: ["same", "different"], value: (row) => word(both[row]), style: (value) => value === "same" ? "" : "due" },
      { name: "took before", isNumber: true, value: (row) => both[row][0][2], words: span }, { name: "took after", isNumber: true, value: (row) => both[row][1][2], words: span },
    ] });
    return [make("p", {}, `${grouped(both.length)} executed in both, ${grouped(same)} with the same bytes.`), place];
  }
}

// What the page left out because it can be told: the places of a whole grid, states that are all the same.
function unfolded(step) {
  if (!Array.isArray(step.states)) step.states = new Array(step.count).fill(step.states);
  if (step.places === null) {
    const width = step.axes.length;
    step.places = new Array(step.count * width);
    for (let row = 0; row < step.count; row += 1) {
      let rest = row;
      for (let axis = width - 1; axis >= 0; axis -= 1) {
        step.places[row * width + axis] = rest % step.axes[axis].labels.length;
        rest = Math.floor(rest / step.axes[axis].labels.length);
      }
    }
  }
  return step;
}

function measurements(steps) {
  const choice = document.getElementById("step-choice");
  const show = (id) => {
    const step = steps.find((one) => one.id === id);
    if (!step) return;
    choice.value = id;
    for (const block of all("[data-charts]")) block.hidden = block.dataset.charts !== id;
    new Explorer(document.getElementById("explorer"), step);
    instanceTable(document.getElementById("instances"), step);
  };
  choice.addEventListener("change", () => show(choice.value));
  document.addEventListener("step-chosen", (event) => show(event.detail));
  for (const link of all("[data-table]")) link.addEventListener("click", () => show(link.dataset.table));
  // The one that has the most numbers to show over an axis.
  const worth = (step) => (step.along === null ? 0 : 1e9) + step.count * Math.min(step.columns.length, 3);
  show(steps.reduce((best, step) => worth(step) > worth(best) ? step : best).id);
}

for (const table of all("table[data-sort]")) sortInPlace(table);
for (const frame of all("[data-graph]")) new Graph(frame);
// A figure fills the window and goes back, by a click or by keys.
for (const picture of all("figure .plate img")) {
  const figure = picture.closest("figure");
  const turn = (isWhole) => { figure.classList.toggle("whole", isWhole); picture.setAttribute("aria-expanded", String(figure.classList.contains("whole"))); };
  dress(picture, { tabindex: 0, role: "button", "aria-expanded": "false", "aria-label": `${picture.alt}; enlarge` }, []);
  picture.addEventListener("click", () => turn());
  picture.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); turn(); } });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") turn(false); });
}
const measured = dataOf("measurements-data");
if (measured && measured.length > 0) measurements(measured.map(unfolded));
const executed = dataOf("run-data");
if (executed) { runTable(document.getElementById("run-table"), executed); timeline(executed); }
const compared = dataOf("runs-data");
if (compared) new RunComparison(compared);
// A link to a folded place unfolds it.
const unfold = () => { if (location.hash.length > 1) opened(decodeURIComponent(location.hash.slice(1))); };
window.addEventListener("hashchange", unfold);
unfold();
document.documentElement.dataset.ready = "yes";
