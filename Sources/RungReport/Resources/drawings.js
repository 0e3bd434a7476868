// Graphs of steps: zoomed by buttons, by the wheel with Ctrl, by + - 0 and the arrow keys; dragged. A box opens what it
// leads to in the page.

class Graph {
  constructor(frame) {
    this.picture = find("svg", frame);
    const [, , width, height] = this.picture.getAttribute("viewBox").split(" ").map(Number);
    this.whole = { x: 0, y: 0, width, height };
    this.view = { ...this.whole };
    const button = (words, label, action) => make("button", { type: "button", "aria-label": label, on: { click: action } }, words);
    frame.prepend(make("div", { class: "zoom" }, button("+", "Zoom in", () => this.zoom(0.8)), button("−", "Zoom out", () => this.zoom(1.25)),
      button("fit", "Show all of it", () => this.reset())));
    frame.addEventListener("keydown", (event) => this.key(event));
    this.picture.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? 0.85 : 1.18, this.point(event));
    }, { passive: false });
    this.drag();
    for (const node of all("a[data-opens]", frame)) {
      node.addEventListener("click", () => opened(node.dataset.opens));
    }
  }

  point(event) {
    const box = this.picture.getBoundingClientRect();
    const scale = Math.min(box.width / this.view.width, box.height / this.view.height);
    return { x: this.view.x + (event.clientX - box.left) / scale, y: this.view.y + (event.clientY - box.top) / scale };
  }

  zoom(factor, around) {
    const { view, whole } = this;
    const width = Math.min(whole.width * 1.5, Math.max(whole.width / 12, view.width * factor));
    const share = width / view.width;
    const centre = around ?? { x: view.x + view.width / 2, y: view.y + view.height / 2 };
    this.view = { x: centre.x - (centre.x - view.x) * share, y: centre.y - (centre.y - view.y) * share, width, height: view.height * share };
    this.show();
  }

  reset() { this.view = { ...this.whole }; this.show(); }

  move(right, down) { this.view.x += right * this.view.width; this.view.y += down * this.view.height; this.show(); }

  show() {
    const { x, y, width, height } = this.view;
    this.picture.setAttribute("viewBox", [x, y, width, height].map((value) => value.toFixed(1)).join(" "));
  }

  key(event) {
    const actions = { "+": () => this.zoom(0.8), "=": () => this.zoom(0.8), "-": () => this.zoom(1.25), 0: () => this.reset(),
      ArrowLeft: () => this.move(-0.1, 0), ArrowRight: () => this.move(0.1, 0), ArrowUp: () => this.move(0, -0.1), ArrowDown: () => this.move(0, 0.1) };
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  }

  drag() {
    let from = null;
    let moved = false;
    this.picture.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && event.pointerType === "mouse") from = { x: event.clientX, y: event.clientY, view: { ...this.view } };
      moved = false;
    });
    window.addEventListener("pointermove", (event) => {
      if (!from) return;
      const box = this.picture.getBoundingClientRect();
      const scale = Math.min(box.width / from.view.width, box.height / from.view.height);
      const [right, down] = [event.clientX - from.x, event.clientY - from.y];
      if (Math.abs(right) + Math.abs(down) > 4) moved = true;
      if (!moved) return;
      this.view = { ...from.view, x: from.view.x - right / scale, y: from.view.y - down / scale };
      this.show();
    });
    window.addEventListener("pointerup", () => { from = null; });
    this.picture.addEventListener("click", (event) => { if (moved) { event.preventDefault(); event.stopPropagation(); } }, true);
    for (const link of all("a", this.picture)) link.addEventListener("dragstart", (event) => event.preventDefault());
  }
}

// What a box leads to is unfolded, and its instances are chosen.
function opened(id) {
  const target = document.getElementById(id);
  if (!target) return;
  if (target.tagName === "DETAILS") target.open = true;
  document.dispatchEvent(new CustomEvent("step-chosen", { detail: id }));
}
