// Tables: short ones are in the page and are sorted in place; long ones are data, of which a page at a time is shown.

const PAGE_ROWS = 25;

function compare(a, b) {
  if (a === b) return 0;
  // What is not there comes last, whichever the order.
  if (a === null || a === undefined || a === "") return null;
  if (b === null || b === undefined || b === "") return null;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function ordered(a, b, down) {
  const result = compare(a, b);
  if (result === null) return (a === null || a === undefined || a === "" ? 1 : 0) - (b === null || b === undefined || b === "" ? 1 : 0);
  return down ? -result : result;
}

// A heading becomes a button; `sort` is called with whether the order is falling.
function sortButton(heading, sort) {
  const words = heading.textContent;
  const button = make("button", { type: "button", class: "sort" }, words, make("span", { class: "arrow", "aria-hidden": "true" }));
  heading.replaceChildren(button);
  button.addEventListener("click", () => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of all("th[aria-sort]", heading.parentElement)) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    sort(down);
  });
}

function sortInPlace(table) {
  const body = find("tbody", table);
  all("thead th", table).forEach((heading, column) => {
    sortButton(heading, (down) => {
      const value = (row) => {
        const cell = row.children[column];
        const text = cell.dataset.value ?? (find(".name", cell) ?? cell).textContent.trim();
        const number = Number(text.replaceAll(",", "").replaceAll("−", "-").split(" ")[0]);
        return text !== "" && Number.isFinite(number) ? number : text;
      };
      const rows = [...body.children].map((row) => [value(row), row]);
      rows.sort((a, b) => ordered(a[0], b[0], down));
      body.append(...rows.map((pair) => pair[1]));
    });
  });
}

// `> 0.5`, `<= 3`, `= 2`, `0.1..0.4`, or a part of the text.
function condition(text) {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const bound = trimmed.match(/^(<=|>=|<|>|=|!=)\s*([-−+\d.eE]+)$/);
  const range = trimmed.match(/^([-−+\d.eE]+)\s*\.\.\s*([-−+\d.eE]+)$/);
  const number = (word) => Number(word.replaceAll("−", "-"));
  if (bound) {
    const limit = number(bound[2]);
    const test = { "<": (v) => v < limit, "<=": (v) => v <= limit, ">": (v) => v > limit, ">=": (v) => v >= limit,
      "=": (v) => v === limit, "!=": (v) => v !== limit }[bound[1]];
    return (value) => typeof value === "number" && test(value);
  }
  if (range) {
    const [low, high] = [number(range[1]), number(range[2])];
    return (value) => typeof value === "number" && value >= low && value <= high;
  }
  const part = trimmed.toLowerCase();
  return (value, words) => String(words).toLowerCase().includes(part);
}

// A table of `count` rows. A column has `name`, `value(row)`, and may have `words(value)`, `choices` to filter by, and
// `style(value)`; `isNumber` puts it to the right.
class LongTable {
  constructor(place, { caption, columns, count, id }) {
    this.columns = columns;
    this.count = count;
    this.filters = columns.map(() => null);
    this.order = null;
    this.start = 0;
    this.body = make("tbody");
    this.status = make("p", { class: "status", "aria-live": "polite", id: `${id}-status` });
    const head = columns.map((column, index) => {
      const heading = make("th", { scope: "col", class: column.isNumber ? "number" : "text" }, column.name);
      sortButton(heading, (down) => { this.order = [index, down]; this.start = 0; this.choose(); });
      return heading;
    });
    const filters = columns.map((column, index) => make("td", { class: column.isNumber ? "number" : "text" },
      this.filter(column, index, id)));
    const turn = (words, label, step) => make("button", { type: "button", "aria-label": label,
      on: { click: () => { this.start = step(this.start); this.show(); } } }, words);
    const last = () => Math.max(0, Math.floor((this.rows.length - 1) / PAGE_ROWS) * PAGE_ROWS);
    this.buttons = [turn("«", "First page", () => 0), turn("‹", "Page before", (at) => Math.max(0, at - PAGE_ROWS)),
      turn("›", "Next page", (at) => Math.min(last(), at + PAGE_ROWS)), turn("»", "Last page", last)];
    const region = make("div", { class: "wide long", tabindex: 0, role: "region", "aria-label": caption },
      make("table", { id }, make("caption", { class: "unseen" }, caption),
        make("thead", {}, make("tr", {}, head), make("tr", { class: "filters" }, filters)), this.body));
    place.replaceChildren(make("div", { class: "pager" }, this.status, make("span", { class: "turns" }, this.buttons)), region);
    this.choose();
  }

  filter(column, index, id) {
    const label = `Filter by ${column.name}`;
    const set = (test) => { this.filters[index] = test; this.start = 0; this.choose(); };
    if (column.choices) {
      const select = make("select", { "aria-label": label, id: `${id}-filter-${index}` },
        make("option", { value: "" }, "all"), column.choices.map((words, at) => make("option", { value: at }, words)));
      select.addEventListener("change", () => {
        const wanted = select.value === "" ? null : column.choices[Number(select.value)];
        set(wanted === null ? null : (value, words) => words === wanted);
      });
      return select;
    }
    const input = make("input", { type: "text", "aria-label": label, id: `${id}-filter-${index}`,
      placeholder: column.isNumber ? "> 0.5" : "part", autocomplete: "off", spellcheck: "false" });
    input.addEventListener("input", () => set(condition(input.value)));
    return input;
  }

  words(column, value) { return column.words ? column.words(value) : value === null || value === undefined ? "" : String(value); }

  choose() {
    const rows = [];
    const active = this.columns.map((column, index) => [column, this.filters[index]]).filter((pair) => pair[1]);
    for (let row = 0; row < this.count; row += 1) {
      if (active.every(([column, test]) => { const value = column.value(row); return test(value, this.words(column, value)); })) {
        rows.push(row);
      }
    }
    if (this.order) {
      const [index, down] = this.order;
      const column = this.columns[index];
      const keys = new Map(rows.map((row) => [row, column.key ? column.key(row) : column.value(row)]));
      rows.sort((a, b) => ordered(keys.get(a), keys.get(b), down) || a - b);
    }
    this.rows = rows;
    this.show();
  }

  show() {
    const end = Math.min(this.rows.length, this.start + PAGE_ROWS);
    this.body.replaceChildren(...this.rows.slice(this.start, end).map((row) => make("tr", {}, this.columns.map((column, index) => {
      const value = column.value(row);
      const style = [column.isNumber ? "number" : "text", column.style ? column.style(value) : ""].join(" ").trim();
      return index === 0 ? make("th", { scope: "row", class: style }, this.words(column, value))
        : make("td", { class: style }, this.words(column, value));
    }))));
    const shown = this.rows.length;
    const range = shown === 0 ? "no rows" : `rows ${grouped(this.start + 1)}–${grouped(end)} of ${grouped(shown)}`;
    this.status.textContent = shown === this.count ? range : `${range} that match, ${grouped(this.count)} in all`;
    this.buttons.forEach((button, index) => { button.disabled = index < 2 ? this.start === 0 : end >= shown; });
  }
}

function instanceTable(place, step) {
  const width = step.axes.length;
  const columns = step.axes.map((axis, index) => {
    const numbers = axis.labels.map(Number);
    const isNumber = axis.labels.every((label, at) => label.trim() !== "" && Number.isFinite(numbers[at]));
    return { name: axis.name, isNumber, choices: axis.labels.length <= 300 ? axis.labels : null,
      value: (row) => axis.labels[step.places[row * width + index]],
      key: (row) => isNumber ? numbers[step.places[row * width + index]] : axis.labels[step.places[row * width + index]] };
  });
  if (width === 0) columns.push({ name: "instance", value: () => step.name });
  for (const column of step.columns) {
    columns.push({ name: column.name, isNumber: true, value: (row) => column.values[row], words: (value) => short(value, 5) });
  }
  columns.push({ name: "took", isNumber: true, value: (row) => step.seconds[row], words: span });
  columns.push({ name: "state", choices: STATES.map((state) => state.words), value: (row) => step.states[row],
    words: (value) => STATES[value].words, style: (value) => STATES[value].style });
  return new LongTable(place, { caption: `Instances of ${step.path}`, columns, count: step.states.length, id: "instance-table" });
}
