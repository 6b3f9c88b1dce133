"use strict";
// Every text goes into the page as a text node: what a caption holds is shown, never run.
const PAGE = 20;
const VIEWS = {
  triplets: {
    filters: ["edit_type", "phrasing", "origin", "source"],
    lines: [["reference_caption", "reference"], ["modification_text", "modification"], ["target_caption", "target"]],
    before: "reference_caption", after: "target_caption", about: ["edit_type", "phrasing", "generator", "source", "licence"],
  },
  rejects: {
    filters: ["stage", "reason", "source"],
    lines: [["text", "text"], ["modification_text", "modification"], ["target_caption", "target"]],
    before: "text", after: "target_caption", about: ["stage", "reason", "source"],
  },
};

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// The longest common run of words tells what stayed; captions are short, so the plain table is quick.
function differences(before, after) {
  const a = before.split(" "), b = after.split(" ");
  const best = Array.from({length: a.length + 1}, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      best[i][j] = a[i] === b[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
  const old = [], fresh = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) { old.push([false, a[i++]]); fresh.push([false, b[j++]]); }
    else if (j >= b.length || (i < a.length && best[i + 1][j] >= best[i][j + 1])) old.push([true, a[i++]]);
    else fresh.push([true, b[j++]]);
  }
  return [old, fresh];
}

function marked(words, tag) {
  const parts = [];
  for (let k = 0; k < words.length;) {
    const changed = words[k][0], run = [];
    while (k < words.length && words[k][0] === changed) run.push(words[k++][1]);
    parts.push(changed ? element(tag, {}, run.join(" ")) : run.join(" "), k < words.length ? " " : "");
  }
  return parts;
}

function card(row, view) {
  const made = element("li");
  const [old, fresh] = row[view.after] ? differences(row[view.before], row[view.after]) : [null, null];
  for (const [column, label] of view.lines) {
    if (!row[column]) continue;
    const shown = column === view.before && old ? marked(old, "del") : column === view.after && fresh ? marked(fresh, "ins") : [row[column]];
    const kind = column === "modification_text" ? {class: "change"} : {};
    made.append(element("p", {}, element("span", {}, label), element("span", kind, ...shown)));
  }
  made.append(element("span", {class: "about"}, [...new Set(view.about.map(column => row[column]))].filter(Boolean).join(" · ")));
  return made;
}

// A word is found where a word begins: "red" is not in "scattered".
function begins(text, word) {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1))
    if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]) || !/[\p{L}\p{N}]/u.test(word[0])) return true;
  return false;
}

function choices(rows, column) {
  const counts = new Map();
  for (const row of rows) counts.set(row[column], (counts.get(row[column]) || 0) + 1);
  const label = column.replace("_", " ");
  const select = element("select", {"data-column": column}, element("option", {value: ""}, "all"));
  for (const [value, count] of [...counts].sort()) select.append(element("option", {value}, `${value} (${count})`));
  return [element("label", {}, label, select), select];
}

function browser(place, table) {
  const view = VIEWS[place.dataset.rows];
  const rows = table.rows.map(values => Object.fromEntries(table.columns.map((column, k) => [column, values[k]])));
  for (const row of rows) row.words = view.lines.map(([column]) => row[column] || "").join("\n").toLowerCase();
  const search = element("input", {type: "search", placeholder: "words in any order", autocomplete: "off"});
  const selects = view.filters.map(column => choices(rows, column));
  const found = element("p", {role: "status", "aria-live": "polite", class: "note"});
  const list = element("ol", {class: "rows"});
  const back = element("button", {type: "button"}, "← Back"), next = element("button", {type: "button"}, "Next →");
  let page = 0, shown = rows;

  function draw() {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    list.replaceChildren(...shown.slice(page * PAGE, (page + 1) * PAGE).map(row => card(row, view)));
    found.textContent = `${shown.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows, page ${page + 1} of ${pages}`;
    back.disabled = page === 0;
    next.disabled = page === pages - 1;
  }
  function filter() {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = rows.filter(row => selects.every(([, select]) => !select.value || row[select.dataset.column] === select.value)
      && wanted.every(word => begins(row.words, word)));
    page = 0;
    draw();
  }
  function turn(step) { page += step; draw(); }

  search.addEventListener("input", filter);
  for (const [, select] of selects) select.addEventListener("change", filter);
  back.addEventListener("click", () => turn(-1));
  next.addEventListener("click", () => turn(1));
  place.append(
    element("div", {class: "controls", role: "search"}, element("label", {}, "search", search), ...selects.map(([label]) => label)),
    found, list, element("div", {class: "pager"}, back, next));
  draw();
  return {place, search, turn};
}

const data = JSON.parse(document.getElementById("data").textContent);
const browsers = [...document.querySelectorAll(".browser")].map(place => browser(place, data[place.dataset.rows]));
document.addEventListener("keydown", event => {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !browsers.length) return;
  const here = browsers.find(({place}) => place.contains(event.target)) || browsers[0];
  if (event.key === "/") { event.preventDefault(); here.search.focus(); }
  if (event.key === "ArrowRight") here.turn(1);
  if (event.key === "ArrowLeft") here.turn(-1);
});
