// The table of studies: words, choices by column, sorting by the buttons in its head. Its state stands in the address.
"use strict";
{
  const STEP = 200;
  const table = document.getElementById("studies");
  const form = document.querySelector('form.filters[data-for="studies"]');
  const status = document.querySelector('.status[data-for="studies"]');
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const rows = [...body.rows].map((row, place) => {
    const cells = [...row.cells].map((cell) => cell.textContent.trim());
    return { row, place, cells, words: fold(cells.join(" ")) };
  });
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  const state = { q: "", sort: "", dir: "ascending", chosen: {} };
  let shown = STEP;

  const names = heads.map((head) => (head.dataset.name ?? head.textContent.trim()).toLowerCase().replace(/\W+/g, "-"));
  const parts = (text) => text.split("; ").filter(Boolean);
  const selects = new Map();

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const up = state.sort === names[column] && state.dir === "ascending";
      state.sort = names[column];
      state.dir = up ? "descending" : "ascending";
      apply();
    });
    if (head.dataset.choose === undefined) return;
    const found = new Map();
    for (const { cells } of rows) for (const part of new Set(parts(cells[column]))) found.set(part, (found.get(part) ?? 0) + 1);
    const select = document.createElement("select");
    select.id = `choose-${names[column]}`;
    select.append(new Option("all", ""));
    for (const value of [...found.keys()].sort(compare)) select.append(new Option(`${value} (${found.get(value)})`, value));
    const label = document.createElement("label");
    label.htmlFor = select.id;
    label.textContent = head.dataset.choose;
    const group = document.createElement("div");
    group.append(label, select);
    form.append(group);
    selects.set(names[column], { select, column });
    select.addEventListener("change", () => { state.chosen[names[column]] = select.value; apply(); });
  });

  const words = document.getElementById("filter-text");
  words.addEventListener("input", () => { state.q = words.value; apply(); });
  const clear = document.createElement("button");
  clear.type = "button";
  clear.textContent = "Clear";
  clear.addEventListener("click", () => { Object.assign(state, { q: "", chosen: {} }); fill(); apply(); words.focus(); });
  form.append(clear);
  form.addEventListener("submit", (event) => event.preventDefault());
  const more = document.createElement("button");
  more.type = "button";
  more.className = "more";
  more.hidden = true;
  more.addEventListener("click", () => {
    const first = shown;
    shown += STEP;
    show();
    matching[first]?.row.querySelector("a")?.focus();
  });
  table.closest(".scroll").after(more);

  let matching = rows;

  function show() {
    body.replaceChildren(...matching.slice(0, shown).map(({ row }) => row));
    more.hidden = matching.length <= shown;
    more.textContent = `Show ${Math.min(STEP, matching.length - shown)} more of ${matching.length - shown}`;
  }

  function apply(remember = true) {
    const asked = fold(state.q).split(/\s+/).filter(Boolean);
    matching = rows.filter(({ cells, words: text }) =>
      asked.every((word) => text.includes(word)) &&
      [...selects].every(([name, { column }]) => !state.chosen[name] || parts(cells[column]).includes(state.chosen[name])));
    const column = names.indexOf(state.sort);
    if (column >= 0) {
      const sign = state.dir === "descending" ? -1 : 1;
      matching.sort((a, b) => {
        const [x, y] = [a.cells[column], b.cells[column]];
        if (!x !== !y) return x ? -1 : 1;
        return sign * compare(x, y) || a.place - b.place;
      });
    }
    heads.forEach((head, place) => head.setAttribute("aria-sort", place === column ? state.dir : "none"));
    shown = STEP;
    show();
    status.textContent = `${matching.length} of ${rows.length} studies`;
    if (remember) keep();
  }

  function keep() {
    const kept = new URLSearchParams();
    if (state.q) kept.set("q", state.q);
    for (const [name, value] of Object.entries(state.chosen)) if (value) kept.set(name, value);
    if (state.sort) { kept.set("sort", state.sort); if (state.dir === "descending") kept.set("dir", "descending"); }
    history.replaceState(null, "", "#" + kept.toString());
  }

  function recall() {
    const kept = new URLSearchParams(location.hash.slice(1) || location.search);
    state.q = kept.get("q") ?? "";
    state.sort = names.includes(kept.get("sort")) ? kept.get("sort") : "";
    state.dir = kept.get("dir") === "descending" ? "descending" : "ascending";
    state.chosen = {};
    for (const name of selects.keys()) if (kept.get(name)) state.chosen[name] = kept.get(name);
  }

  function fill() {
    words.value = state.q;
    for (const [name, { select }] of selects) {
      select.value = state.chosen[name] ?? "";
      if (select.selectedIndex < 0) { select.value = ""; delete state.chosen[name]; }
    }
  }

  window.addEventListener("hashchange", () => { recall(); fill(); apply(false); });
  recall();
  fill();
  form.hidden = false;
  apply(false);
}
