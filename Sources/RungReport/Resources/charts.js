// The chart to choose: a number of a step over one of its axes as lines, or over two as a heat map. What the axes that are
// not shown have is taken together: their mean, with its 95 % interval as a band.

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

// Like `short`, and 10⁻⁵ for a power of ten.
function tickText(value) {
  const exponent = Math.round(Math.log10(value));
  if (!(value > 0) || (exponent < 5 && exponent > -4) || Math.abs(value / 10 ** exponent - 1) > 1e-9) return short(value, 3);
  return "10" + [...String(exponent)].map((sign) => sign === "-" ? "⁻" : RAISED[Number(sign)]).join("");
}

// P(|T| < t) = 0.95 for 1, 2, … degrees of freedom.
const STUDENT = [12.706, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281, 2.201, 2.1788, 2.1604,
  2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.093, 2.086, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484,
  2.0452, 2.0423];

function estimate(values) {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { mean, low: mean, high: mean, n };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const t = n - 1 <= STUDENT.length ? STUDENT[n - 2] : 1.96 + 2.372 / (n - 1);
  const half = t * Math.sqrt(variance / n);
  return { mean, low: mean - half, high: mean + half, n };
}

function scaleOf(values, from, to, isLogarithmic) {
  let low = Math.min(...values);
  let high = Math.max(...values);
  if (isLogarithmic) {
    if (low === high) { low /= 2; high *= 2; }
    const margin = (high / low) ** 0.03;
    [low, high] = [low / margin, high * margin];
    const place = (value) => from + Math.log(value / low) / Math.log(high / low) * (to - from);
    const powers = [];
    const [first, last] = [Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))];
    const step = Math.max(1, Math.ceil((last - first) / 6));
    for (let power = first; power <= last; power += step) powers.push(10 ** power);
    if (last - first >= 2) return { place, ticks: powers, low, high };
    const fine = [];
    for (let power = first - 1; power <= last; power += 1) for (const unit of [1, 2, 5]) fine.push(unit * 10 ** power);
    return { place, ticks: fine.filter((tick) => tick >= low && tick <= high), low, high };
  }
  if (low === high) { const half = low === 0 ? 1 : Math.abs(low) / 2; low -= half; high += half; }
  const margin = (high - low) * 0.04;
  [low, high] = [low - margin, high + margin];
  const raw = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((factor) => factor * unit >= raw) * unit;
  const ticks = [];
  for (let tick = Math.ceil(low / step); tick * step <= high; tick += 1) ticks.push(Number((tick * step).toPrecision(12)));
  return { place: (value) => from + (value - low) / (high - low) * (to - from), ticks, low, high };
}

class Explorer {
  constructor(place, step) {
    this.place = place;
    this.step = step;
    const axes = step.axes.map((axis, index) => ({ ...axis, index })).filter((axis) => axis.labels.length > 1);
    this.axes = axes;
    const first = axes.find((axis) => !axis.replicate) ?? axes[0];
    if (!first || step.columns.length === 0) { place.replaceChildren(); return; }
    this.choice = { column: 0, x: step.along ?? first.index, by: step.by ?? "none", kind: "line", fixed: {}, logX: null, logY: null };
    this.controls = make("div", { class: "controls" });
    this.drawing = make("figure", { class: "plot" });
    place.replaceChildren(make("h3", {}, "A chart of your choice"), this.controls, this.drawing);
    this.update();
  }

  set(name, value) { this.choice[name] = value; this.update(name); }

  update(changed) {
    const { choice, axes, step } = this;
    const options = axes.map((axis) => [axis.index, axis.name]);
    if (String(choice.by) === String(choice.x)) choice.by = "none";
    if (choice.kind === "heat" && choice.by === "none") {
      const other = axes.find((axis) => axis.index !== Number(choice.x) && !axis.replicate)
        ?? axes.find((axis) => axis.index !== Number(choice.x));
      if (other) choice.by = other.index; else choice.kind = "line";
    }
    const parts = [
      ...chooser("Number", "chart-column", step.columns.map((column, index) => [index, column.name]), choice.column, (v) => this.set("column", Number(v))),
      ...chooser("over", "chart-x", options, choice.x, (v) => this.set("x", Number(v))),
      ...chooser("by", "chart-by", [["none", "nothing"], ...options.filter(([index]) => index !== Number(choice.x))], choice.by, (v) => this.set("by", v === "none" ? v : Number(v))),
      ...chooser("as", "chart-kind", axes.length > 1 ? [["line", "lines"], ["heat", "heat map"]] : [["line", "lines"]], choice.kind, (v) => this.set("kind", v)),
    ];
    for (const axis of axes) {
      if (axis.index === Number(choice.x) || axis.index === choice.by || axis.replicate) continue;
      parts.push(...chooser(axis.name, `chart-fixed-${axis.index}`, [["all", "mean over all"], ...axis.labels.map((label, at) => [at, label])],
        choice.fixed[axis.index] ?? "all", (v) => { this.choice.fixed[axis.index] = v; this.update(`fixed-${axis.index}`); }));
    }
    this.draw();
    if (choice.kind === "line") {
      for (const [name, label, isOn] of [["logX", "log x", this.isLogX], ["logY", "log y", this.isLogY]]) {
        const box = make("input", { type: "checkbox", id: `chart-${name}`, checked: isOn });
        box.addEventListener("change", () => this.set(name, box.checked));
        parts.push(make("span", { class: "check" }, box, make("label", { for: `chart-${name}` }, label)));
      }
    }
    this.controls.replaceChildren(...parts);
    // Whoever uses the keyboard stays where they were.
    if (changed) document.getElementById(`chart-${changed}`)?.focus();
  }

  // By label of `by`, then of `x`: the numbers.
  groups() {
    const { choice, step } = this;
    const width = step.axes.length;
    const values = step.columns[choice.column].values;
    const groups = new Map();
    const fixed = Object.entries(choice.fixed).filter(([axis, at]) => at !== "all" && Number(axis) !== choice.x && Number(axis) !== choice.by);
    for (let row = 0; row < values.length; row += 1) {
      if (values[row] === null) continue;
      if (!fixed.every(([axis, at]) => step.places[row * width + Number(axis)] === Number(at))) continue;
      const series = choice.by === "none" ? 0 : step.places[row * width + choice.by];
      const x = step.places[row * width + choice.x];
      if (!groups.has(series)) groups.set(series, new Map());
      const group = groups.get(series);
      if (!group.has(x)) group.set(x, []);
      group.get(x).push(values[row]);
    }
    return groups;
  }

  draw() {
    const { choice, step } = this;
    const axis = step.axes[choice.x];
    const numbers = axis.labels.map(Number);
    this.isNumeric = axis.labels.every((label, at) => label.trim() !== "" && Number.isFinite(numbers[at]));
    const groups = this.groups();
    const name = step.columns[choice.column].name;
    if (groups.size === 0) { this.drawing.replaceChildren(make("p", { class: "note" }, "No numbers there.")); return; }
    const caption = choice.kind === "heat"
      ? `${name} over ${axis.name} and ${step.axes[choice.by].name}: means`
      : `${name} over ${axis.name}${choice.by === "none" ? "" : `, by ${step.axes[choice.by].name}`}: means, with the 95 % interval of the rest`;
    const picture = choice.kind === "heat" ? this.heat(groups, name) : this.lines(groups, name, numbers);
    this.drawing.replaceChildren(picture, make("figcaption", {}, caption));
  }

  lines(groups, name, numbers) {
    const { choice, step } = this;
    const axis = step.axes[choice.x];
    const [width, height, left, right, top, bottom] = [760, 380, 66, 16, 14, 46];
    const series = [...groups].sort((a, b) => a[0] - b[0]).map(([label, group]) => ({
      label: choice.by === "none" ? "" : step.axes[choice.by].labels[label],
      points: [...group].map(([x, values]) => ({ x: this.isNumeric ? numbers[x] : x, label: axis.labels[x], ...estimate(values) }))
        .sort((a, b) => a.x - b.x),
    }));
    const points = series.flatMap((one) => one.points);
    const xs = points.map((point) => point.x);
    const means = points.map((point) => point.mean);
    const spread = (list) => Math.min(...list) > 0 ? Math.log10(Math.max(...list) / Math.min(...list)) : 0;
    this.isLogX = this.isNumeric && Math.min(...xs) > 0 && (choice.logX ?? spread(xs) >= 1.3);
    this.isLogY = Math.min(...means) > 0 && (choice.logY ?? spread(means) >= 2);
    const x = scaleOf(xs, left, width - right, this.isLogX);
    const shown = points.flatMap((point) => [this.isLogY ? Math.max(point.low, point.mean / 3) : point.low, point.high]);
    const y = scaleOf(shown, height - bottom, top, this.isLogY);
    const level = (value) => y.place(Math.min(y.high, Math.max(y.low, value)));
    const f = (value) => value.toFixed(1);
    const picture = draw("svg", { class: "chart large", viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": `${name} over ${axis.name}: from ${short(points[0].mean)} at ${points[0].label} to ${short(points[points.length - 1].mean)} at ${points[points.length - 1].label}` });
    for (const tick of y.ticks) {
      picture.append(draw("path", { class: "grid", d: `M${left} ${f(y.place(tick))}H${width - right}` }),
        draw("text", { x: left - 8, y: f(y.place(tick) + 4), "text-anchor": "end" }, tickText(tick)));
    }
    const xTicks = this.isNumeric ? x.ticks.map((tick) => [tick, tickText(tick)])
      : [...new Set(points.map((point) => point.x))].sort((a, b) => a - b).filter((_, at, list) => at % Math.ceil(list.length / 12) === 0)
        .map((tick) => [tick, axis.labels[tick].slice(0, 14)]);
    for (const [tick, label] of xTicks) {
      picture.append(draw("text", { x: f(x.place(tick)), y: height - bottom + 18, "text-anchor": "middle" }, label));
    }
    picture.append(draw("text", { class: "axis", x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle" }, axis.name));
    series.forEach((one, index) => {
      const colour = `series-${index % 8}`;
      const way = (list) => list.map(([h, v]) => `${f(h)} ${f(v)}`).join("L");
      if (one.points.length > 1) {
        const up = one.points.map((point) => [x.place(point.x), level(point.high)]);
        const down = [...one.points].reverse().map((point) => [x.place(point.x), level(point.low)]);
        picture.append(draw("path", { class: `band ${colour}`, d: `M${way([...up, ...down])}z` }),
          draw("path", { class: `line ${colour}`, d: `M${way(one.points.map((point) => [x.place(point.x), y.place(point.mean)]))}` }));
      }
      for (const point of one.points.length <= 200 ? one.points : []) {
        picture.append(draw("circle", { class: `dot ${colour}`, cx: f(x.place(point.x)), cy: f(y.place(point.mean)), r: 3.2 },
          draw("title", {}, `${one.label ? `${one.label}: ` : ""}${short(point.mean)} [${short(point.low)}, ${short(point.high)}] at ${point.label}, n = ${point.n}`)));
      }
    });
    if (choice.by === "none") return picture;
    const legend = make("ul", { class: "legend" }, series.slice(0, 40).map((one, index) =>
      make("li", {}, make("span", { class: `key series-${index % 8}`, "aria-hidden": "true" }), one.label)));
    return make("div", {}, legend, picture);
  }

  heat(groups, name) {
    const { choice, step } = this;
    const [across, along] = [step.axes[choice.x], step.axes[choice.by]];
    const cells = [];
    for (const [row, group] of groups) for (const [column, values] of group) cells.push([row, column, estimate(values).mean, values.length]);
    const means = cells.map((cell) => cell[2]);
    const [low, high] = [Math.min(...means), Math.max(...means)];
    const isLogarithmic = low > 0 && high / low >= 100;
    const share = (value) => high === low ? 0.5 : isLogarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    const [left, top] = [92, 8];
    const width = Math.max(10, Math.min(56, 660 / across.labels.length));
    const height = Math.max(10, Math.min(34, 460 / along.labels.length));
    const picture = draw("svg", { class: "chart large heat", role: "img",
      viewBox: `0 0 760 ${Math.round(top + along.labels.length * height + 50)}`,
      "aria-label": `${name} over ${across.name} and ${along.name}: from ${short(low)} to ${short(high)}` });
    for (const [row, column, mean, n] of cells) {
      const level = Math.round(share(mean) * 8);
      picture.append(draw("rect", { class: `heat-${level}`, x: left + column * width, y: top + row * height, width: width - 1, height: height - 1 },
        draw("title", {}, `${short(mean)} at ${across.name}=${across.labels[column]}, ${along.name}=${along.labels[row]}, n = ${n}`)));
      if (width >= 40 && height >= 16) {
        picture.append(draw("text", { class: level > 4 ? "on-dark" : "on-light", x: left + column * width + width / 2, y: top + row * height + height / 2 + 4, "text-anchor": "middle" }, short(mean, 3)));
      }
    }
    const every = (count, room, need) => Math.max(1, Math.ceil(need / (room || 1)));
    across.labels.forEach((label, at) => {
      if (at % every(across.labels.length, width, 44)) return;
      picture.append(draw("text", { x: left + at * width + width / 2, y: top + along.labels.length * height + 16, "text-anchor": "middle" }, label.slice(0, 10)));
    });
    along.labels.forEach((label, at) => {
      if (at % every(along.labels.length, height, 14)) return;
      picture.append(draw("text", { x: left - 8, y: top + at * height + height / 2 + 4, "text-anchor": "end" }, label.slice(0, 12)));
    });
    picture.append(draw("text", { class: "axis", x: left + across.labels.length * width / 2, y: top + along.labels.length * height + 38, "text-anchor": "middle" }, across.name),
      draw("text", { class: "axis", x: 6, y: top + 12 }, along.name));
    return picture;
  }
}
