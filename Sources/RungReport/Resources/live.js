// What the page "Now" does: it listens to the server that it came from and shows how a run goes. Texts stay texts.
const courses = new Map();

const LOOK = { failed: "bad", warning: "due", claim: "due" };

function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null));
}

// A line over what the steps say, of at most 300 points.
function curve(points, label) {
  const width = 260, height = 72;
  const finite = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  if (finite.length < 2) return null;
  const xs = finite.map(([x]) => x), ys = finite.map(([, y]) => y);
  const positive = ys.every((y) => y > 0) && Math.max(...ys) > 20 * Math.min(...ys);
  const scale = positive ? Math.log10 : (y) => y;
  const left = Math.min(...xs), right = Math.max(...xs), low = Math.min(...ys.map(scale)), high = Math.max(...ys.map(scale));
  const at = ([x, y]) => [
    2 + (width - 4) * (right > left ? (x - left) / (right - left) : 0.5),
    height - 3 - (height - 6) * (high > low ? (scale(y) - low) / (high - low) : 0.5),
  ].map((number) => number.toFixed(1)).join(",");
  return draw("svg", { class: "course", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    draw("polyline", { points: finite.map(at).join(" ") }));
}

// Keeps what an instance has said so far; what it said before this page was opened is asked for once.
function course(instance, metrics, seconds) {
  let known = courses.get(instance);
  if (!known) {
    known = { series: new Map(), asked: false };
    courses.set(instance, known);
    fetch(`course?instance=${encodeURIComponent(instance)}`).then((answer) => (answer.ok ? answer.json() : null))
      .then((found) => {
        for (const { name, points } of found ? found.series : []) known.series.set(name, points);
      }).catch(() => {});
  }
  const step = metrics.find(({ name }) => ["step", "epoch", "iteration", "t"].includes(name));
  for (const { name, value } of metrics) {
    if (step && name === step.name) continue;
    const points = known.series.get(name) || [];
    const x = step ? step.value : seconds;
    if (!points.length || points[points.length - 1][0] < x) points.push([x, value]);
    if (points.length > 600) points.splice(0, points.length, ...points.filter((_, index) => index % 2 === 0));
    known.series.set(name, points);
  }
  return known.series;
}

function card(entry, opened) {
  const series = course(entry.instance, entry.metrics, entry.seconds);
  const facts = [span(entry.seconds)];
  if (entry.progress !== null) facts.unshift(entry.done || `${Math.floor(100 * entry.progress)} %`);
  const values = entry.metrics.flatMap(({ name, value }) => [
    make("dt", {}, name), make("dd", {}, value === null ? "not finite" : short(value))]);
  const charts = [...series].slice(0, 4).map(([name, points]) => {
    const drawn = curve(points, `${name} so far`);
    return drawn && make("figure", { class: "course" }, drawn, make("figcaption", {}, name));
  });
  const log = entry.log.length ? make("details", { open: opened, "data-log": entry.instance },
    make("summary", {}, "What it prints"), make("pre", { class: "log", tabindex: "0" }, entry.log.join("\n")),
    make("p", { class: "note" },
      make("a", { href: `log?instance=${encodeURIComponent(entry.instance)}` }, "All of it so far"))) : null;
  return make("li", { class: "running" },
    make("h3", {}, entry.instance), make("p", { class: "meta" }, facts.join(" · ")),
    entry.progress === null ? null
      : make("progress", { value: entry.progress, max: 1, "aria-label": `progress of ${entry.instance}` }),
    values.length ? make("dl", { class: "values" }, values) : null,
    make("div", { class: "courses" }, charts), log);
}

function stepRow(step) {
  const words = `${grouped(step.done)} of ${step.loop && step.done < step.instances ? "at most " : ""}${grouped(step.instances)}`;
  return make("tr", {},
    make("th", { scope: "row" }, step.step),
    make("td", {}, make("progress", { value: step.done, max: Math.max(1, step.instances), "aria-label": step.step })),
    make("td", { class: "number" }, words), make("td", { class: "number" }, step.running ? grouped(step.running) : ""),
    make("td", { class: "number bad" }, step.failed ? grouped(step.failed) : ""));
}

function headline(state) {
  if (!state.run) return "Nothing runs now.";
  if (state.summary) {
    const { ran, unchanged, failed, skipped, interrupted } = state.summary;
    const parts = [[ran, "ran"], [unchanged, "up to date"], [failed, "failed"], [skipped, "not tried"]]
      .filter(([count]) => count).map(([count, words]) => `${grouped(count)} ${words}`);
    return `The run has ${interrupted ? "been interrupted" : failed ? "failed" : "ended"}: ${parts.join(", ")}.`;
  }
  const parts = [`${grouped(state.done)} of ${state.open ? "at most " : ""}${grouped(state.instances)}`];
  if (state.current) parts.push(`${grouped(state.current)} up to date`);
  if (state.failed) parts.push(`${grouped(state.failed)} failed`);
  if (state.left) parts.push(`${state.open ? "at most" : "about"} ${span(state.left)} left`);
  return `${parts.join(", ")}.`;
}

let before = "";

function show(state) {
  const words = headline(state);
  if (words !== before) find("#now").textContent = words;
  before = words;
  const isRunning = Boolean(state.run) && !state.summary;
  find("#run").hidden = !state.run;
  if (!state.run) return;
  find("#whole").max = Math.max(1, state.instances);
  find("#whole").value = state.done;
  find("#about").textContent = `Run ${state.run}, ${span(state.seconds)}, ${state.jobs} at a time`;
  fill(find("#steps tbody"), state.steps.filter((step) => step.instances > 0).map(stepRow));
  const opened = new Set(all("details[open]").map((details) => details.dataset.log));
  const focus = document.activeElement && document.activeElement.closest("details");
  const focused = focus ? focus.dataset.log : null;
  find("#running").hidden = !isRunning || !state.running.length;
  fill(find("#instances"), state.running.map((entry) => card(entry, opened.has(entry.instance))));
  for (const log of all("pre.log")) log.scrollTop = log.scrollHeight;
  if (focused) {
    const again = all("details").find((details) => details.dataset.log === focused);
    if (again) find("summary", again).focus();
  }
  find("#more").textContent = state.more ? `and ${grouped(state.more)} more` : "";
  find("#messages").hidden = !state.messages.length;
  fill(find("#messages ol"), state.messages.slice().reverse().map(({ kind, text }) =>
    make("li", { class: LOOK[kind] || "" }, make("span", { class: "kind" }, kind), ` ${text}`)));
  const names = new Set(state.running.map((entry) => entry.instance));
  for (const name of [...courses.keys()]) if (!names.has(name)) courses.delete(name);
}

function listen() {
  const source = new EventSource("events");
  source.addEventListener("state", (event) => {
    find("#link").textContent = "";
    show(JSON.parse(event.data));
  });
  source.onerror = () => { find("#link").textContent = "The server does not answer; trying again."; };
}

if (find("#now")) listen();
