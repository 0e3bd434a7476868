// The script of a report's pages: it makes tables sortable and shows long ones in pages, draws charts, lets graphs be
// zoomed. It reads the data that the page carries and writes text only as text; it loads nothing.
"use strict";

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "on") {
      for (const [event, action] of Object.entries(value)) element.addEventListener(event, action);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) element.append(child);
  }
  return element;
}

// An element; children are elements or texts, and texts stay texts.
const make = (name, attributes, ...children) => dress(document.createElement(name), attributes, children);

// An element of a drawing.
const draw = (name, attributes, ...children) =>
  dress(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

function dataOf(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}

const grouped = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

// About four digits that count.
function short(value, digits = 4) {
  if (value === null || value === undefined) return "";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e6 || size < 1e-4 ? value.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e")
    : String(Number(value.toPrecision(Math.max(digits, Math.ceil(Math.log10(size + 1))))));
  return text.replaceAll("-", "−");
}

function span(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 0.001) return `${Number((seconds * 1e3).toFixed(1))} ms`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1e3)} ms`;
  if (seconds < 59.95) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  const two = (n) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

function size(bytes) {
  if (bytes === null || bytes === undefined) return "";
  let value = bytes;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (value < 999.95) return `${Number(value.toFixed(unit === "B" ? 0 : 1))} ${unit}`;
    value /= 1000;
  }
  return `${Number(value.toFixed(1))} TB`;
}

const STATES = [
  { words: "up to date", style: "good" }, { words: "would run", style: "due" },
  { words: "waits for others", style: "open" }, { words: "failed", style: "bad" },
];

function chooser(label, id, options, chosen, change) {
  const select = make("select", { id, on: { change: () => change(select.value) } },
    options.map(([value, words]) => make("option", { value, selected: String(value) === String(chosen) }, words)));
  return [make("label", { for: id }, label), select];
}
