// The explorer: filters at the left, shares and studies at the right. What the corpus holds is shown as text only.
// Nothing is loaded from elsewhere. The kernel counts; this page asks and shows.

const PATIENCE = 2500; // milliseconds without an answer of the kernel after which the page says so
const PAUSE = 300; // milliseconds after the last letter before a typed filter is asked for
const SVG = "http://www.w3.org/2000/svg";

function draw(name, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function link(address, words) {
  return address ? make("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, words) : words;
}

function percent(value) {
  return value === null ? "\u2013" : (100 * value).toFixed(1);
}

function studies(count) {
  return `${count} ${count === 1 ? "study" : "studies"}`;
}

// the symbols of the printed figures
function symbol(mark) {
  const [shape, open] = [mark.replace("-open", ""), mark.endsWith("-open")];
  const look = { class: open ? "sdx-open" : "sdx-full" };
  if (shape === "circle") return draw("circle", { ...look, r: 4.5 });
  if (shape === "square") return draw("rect", { ...look, x: -4.5, y: -4.5, width: 9, height: 9 });
  if (shape === "diamond") return draw("path", { ...look, d: "M0 -6 6 0 0 6 -6 0Z" });
  if (shape === "x") return draw("path", { class: "sdx-stroke", d: "M-4 -4 4 4M-4 4 4 -4" });
  return draw("path", { class: "sdx-stroke", d: "M-5 0H5" });
}

function icon(mark) {
  return draw("svg", { class: "sdx-icon", viewBox: "-8 -8 16 16", "aria-hidden": "true" }, symbol(mark));
}

function bar(row, mark) {
  const at = (value) => `${(100 * value).toFixed(2)}%`;
  const svg = draw("svg", { class: "sdx-chart", "aria-hidden": "true" });
  for (const value of [0, 0.25, 0.5, 0.75, 1]) {
    svg.append(draw("line", { class: "sdx-grid", x1: at(value), x2: at(value), y1: "0", y2: "100%" }));
  }
  if (row.share === null) return svg;
  if (row.unknown) {
    const width = at(row.unknown / row.total);
    svg.append(draw("rect", { class: "sdx-unknown", x: at(row.share), width, y: "5", height: "14" }));
  }
  svg.append(draw("line", { class: "sdx-interval", x1: at(row.low), x2: at(row.high), y1: "12", y2: "12" }));
  for (const end of [row.low, row.high]) {
    svg.append(draw("line", { class: "sdx-interval", x1: at(end), x2: at(end), y1: "8", y2: "16" }));
  }
  svg.append(draw("svg", { x: at(row.share), y: "12", overflow: "visible", width: "1", height: "1" }, symbol(mark)));
  return svg;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // not allowed here: the text stands beside the button
  }
}

function render({ model, el }) {
  const about = model.get("about");
  const client = Math.random().toString(36).slice(2);
  const id = (name) => `sdx-${client}-${name}`;
  let state = structuredClone(model.get("asked"));
  let answer = model.get("answer");
  let sent = 0, waiting = 0, typing = 0, order = { column: "", down: false }, first = true;

  // ---- filters -------------------------------------------------------------------------------------------------------
  function choice(name, words, options, value) {
    const select = make("select", { id: id(name), class: "sdx-select" });
    for (const [code, text] of options) select.append(make("option", { value: code }, text));
    select.value = value;
    return [make("label", { for: id(name) }, words), select];
  }

  function tick(words, count) {
    const box = make("input", { type: "checkbox" });
    const number = make("span", { class: "sdx-count" });
    const label = make("label", { class: "sdx-tick" }, box, make("span", { class: "sdx-words" }, words));
    if (count) label.append(number);
    return { box, number, label };
  }

  const selections = about.selections.map(({ name, studies: count, basis }) => [name, `${name}: ${studies(count)}, ${basis}`]);
  const [selectionLabel, selection] = choice("selection", "Selection", selections, state.selection);
  const dimensions = about.dimensions.map(({ name, title }) => [name, title]);
  const [countLabel, counted] = choice("dimension", "Count by", dimensions, state.dimension);
  const years = [["", "any"], ...about.years.map((year) => [String(year), String(year)])];
  const [fromLabel, from] = choice("from", "From", years, state.first === null ? "" : String(state.first));
  const [toLabel, to] = choice("to", "To", years, state.last === null ? "" : String(state.last));
  const undated = tick(`also ${studies(about.undated)} without a year`, false);
  undated.box.checked = state.undated;
  const span = make("fieldset", { class: "sdx-years" }, make("legend", {}, "Year"));
  span.append(make("div", { class: "sdx-pair" }, make("div", {}, fromLabel, from), make("div", {}, toLabel, to)));
  if (about.undated) span.append(undated.label);

  const groups = about.dimensions.map((dimension, place) => {
    const asked = state.labels[dimension.name] || { codes: [], every: false, unknown: false };
    const chosen = make("span", { class: "sdx-chosen" });
    const box = make("fieldset", { class: "sdx-boxes" });
    box.append(make("legend", { class: "sdx-hidden" }, dimension.title));
    const radios = [];
    if (!dimension.exclusive) {
      const both = make("div", { class: "sdx-pair", role: "radiogroup", "aria-label": `${dimension.title}: labels` });
      for (const [every, words] of [[false, "any of"], [true, "all of"]]) {
        const radio = make("input", { type: "radio", name: id(`every-${place}`) });
        radio.checked = asked.every === every;
        radios.push(radio);
        both.append(make("label", { class: "sdx-tick" }, radio, make("span", {}, words)));
      }
      box.append(both);
    }
    const ticks = dimension.codes.map(({ code, title, definition }) => {
      const one = tick(title, true);
      one.label.title = definition;
      one.box.checked = asked.codes.includes(code);
      return { code, ...one };
    });
    const open = { code: "", ...tick("not known", true) };
    open.box.checked = asked.unknown;
    box.append(...ticks.map(({ label }) => label), open.label);
    const summary = make("summary", {}, make("span", { class: "sdx-name" }, dimension.title), chosen);
    const details = make("details", { class: "sdx-dimension" }, summary, box);
    details.open = place === 0 || asked.codes.length > 0 || asked.unknown;
    return { dimension, chosen, radios, ticks, open, details };
  });

  const text = make("input", { type: "text", id: id("text"), class: "sdx-text", spellcheck: "false", autocomplete: "off" });
  text.setAttribute("aria-describedby", `${id("hint")} ${id("error")}`);
  text.value = state.text;
  const hint = make("p", { id: id("hint"), class: "sdx-hint" }, 'For example: year >= 2023 and venue != "arXiv"');
  const error = make("p", { id: id("error"), class: "sdx-error", role: "alert" });
  const names = make("details", { class: "sdx-names" }, make("summary", {}, "Names that a filter may use"));
  names.append(make("p", { tabindex: "0", role: "region", "aria-label": "Names" }, about.names.join(", ")));
  const reset = make("button", { type: "button", class: "sdx-button" }, "Clear all filters");
  const form = make(
    "div",
    { class: "sdx-filters", role: "group", "aria-label": "Filters" },
    make("div", { class: "sdx-field" }, selectionLabel, selection),
    make("div", { class: "sdx-field" }, countLabel, counted),
    span,
    make("div", { class: "sdx-dimensions" }, ...groups.map(({ details }) => details)),
    make("div", { class: "sdx-field" }, make("label", { for: id("text") }, "Further filter"), text, hint, error, names),
    reset,
  );

  // ---- results -------------------------------------------------------------------------------------------------------
  const headline = make("h3", { class: "sdx-headline" });
  const alarm = make("p", { class: "sdx-error", role: "alert" });
  const caution = make("p", { class: "sdx-caution" });
  const caption = make("p", { id: id("caption"), class: "sdx-caption" });
  const shares = make("div", { class: "sdx-scroll", role: "region", tabindex: "0", "aria-label": "Shares" });
  const legend = make("ul", { class: "sdx-legend" });
  const where = make("code", { class: "sdx-code" });
  const command = make("code", { class: "sdx-code" });
  const search = make("input", { type: "search", id: id("search"), class: "sdx-text" });
  const hits = make("span", { class: "sdx-hits" });
  const list = make("div", { class: "sdx-scroll sdx-list", role: "region", tabindex: "0", "aria-label": "Studies" });
  const live = make("div", { class: "sdx-hidden sdx-live", role: "status", "aria-live": "polite", "aria-atomic": "true" });

  function copier(words, source) {
    const button = make("button", { type: "button", class: "sdx-button" }, words);
    button.addEventListener("click", async () => {
      const done = await copy(source.dataset.text);
      if (!done) window.getSelection().selectAllChildren(source);
      const said = done ? "\u2713 Copied" : "Marked: copy it with the keyboard";
      button.textContent = said;
      say(said);
      window.setTimeout(() => {
        button.textContent = words;
      }, 2000);
    });
    return button;
  }

  const repeat = make(
    "details",
    { class: "sdx-repeat" },
    make("summary", {}, "Repeat this view"),
    make("p", {}, "The filter, as any notebook or command takes it (where):"),
    make("div", { class: "sdx-copy" }, where, copier("Copy filter", where)),
    make("p", {}, "The command that writes this view as tables and a figure:"),
    make("div", { class: "sdx-copy" }, command, copier("Copy command", command)),
  );
  const results = make(
    "div",
    { class: "sdx-results", role: "group", "aria-label": "Results" },
    headline,
    alarm,
    caution,
    caption,
    shares,
    legend,
    repeat,
    make("h4", {}, "The studies"),
    make("p", { class: "sdx-hint" }, about.coders),
    make("div", { class: "sdx-find" }, make("label", { for: id("search") }, "Search in the list"), search, hits),
    list,
  );
  const root = make(
    "div",
    { class: "sd-page sdx", role: "group", "aria-label": "Explore the studies", "data-lm-suppress-shortcuts": "true" },
    make("div", { class: "sdx-body" }, form, results),
    live,
  );
  el.append(root);

  function say(words) {
    live.textContent = words;
  }

  function title(name) {
    return about.dimensions.find((dimension) => dimension.name === name).title;
  }

  function paintGroups() {
    for (const { dimension, chosen, ticks, open, radios } of groups) {
      const some = ticks.filter(({ box }) => box.checked);
      const named = some.map(({ label }) => label.querySelector(".sdx-words").textContent);
      if (open.box.checked) named.push("not known");
      const every = radios.length && radios[1].checked && some.length > 1 ? "all of " : "";
      const short = named.length === 1 ? named[0] : `${every}${named.length} chosen`;
      chosen.textContent = named.length ? short : "any";
      chosen.classList.toggle("sdx-some", named.length > 0);
      for (const { code, number } of [...ticks, open]) {
        const count = answer.boxes && answer.boxes[dimension.name] ? answer.boxes[dimension.name][code] : null;
        number.textContent = count === null ? "" : String(count);
        number.setAttribute("aria-label", count === null ? "" : studies(count));
        number.classList.toggle("sdx-none", count === 0);
      }
    }
  }

  function paintShares() {
    const head = make("tr");
    const axis = make("div", { class: "sdx-axis", "aria-hidden": "true" });
    for (const value of [0, 50, 100]) axis.append(make("span", {}, `${value}${value === 100 ? " %" : ""}`));
    const columns = [[title(answer.dimension)], ["", axis], ["Studies"], ["Share"], ["95 % interval"], ["Not known"], ["Status"]];
    for (const [words, extra] of columns) {
      const cell = make("th", { scope: "col" }, words);
      if (extra) cell.append(make("span", { class: "sdx-hidden" }, "Drawn"), extra);
      head.append(cell);
    }
    const body = make("tbody");
    for (const row of answer.shares) {
      const { mark } = about.statuses[row.status];
      const interval = row.share === null ? "\u2013" : `${percent(row.low)} to ${percent(row.high)}`;
      body.append(
        make(
          "tr",
          {},
          make("th", { scope: "row" }, row.title),
          make("td", { class: "sdx-drawn" }, bar(row, mark)),
          make("td", { class: "sdx-number" }, `${row.count} of ${row.total}`),
          make("td", { class: "sdx-number" }, row.share === null ? "\u2013" : `${percent(row.share)} %`),
          make("td", { class: "sdx-number" }, interval),
          make("td", {}, String(row.unknown)),
          make("td", { class: "sdx-status" }, icon(mark), ` ${row.status}`),
        ),
      );
    }
    const words = `Share of ${studies(answer.total)} by ${title(answer.dimension).toLowerCase()}, with 95 % Wilson intervals`;
    caption.textContent = words;
    shares.replaceChildren(make("table", { "aria-labelledby": id("caption") }, make("thead", {}, head), body));
    legend.replaceChildren();
    for (const status of new Set(answer.shares.map((row) => row.status))) {
      const { mark, meaning } = about.statuses[status];
      legend.append(make("li", {}, icon(mark), make("span", {}, make("strong", {}, status), `: ${meaning}`)));
    }
    if (answer.shares.some((row) => row.unknown)) {
      const box = draw("rect", { class: "sdx-unknown", x: -7, y: -4, width: 14, height: 8 });
      const sign = draw("svg", { class: "sdx-icon", viewBox: "-8 -8 16 16", "aria-hidden": "true" }, box);
      const meaning = "what was read does not tell; it does not mean no";
      legend.append(make("li", {}, sign, make("span", {}, make("strong", {}, "not known"), `: ${meaning}`)));
    }
  }

  const columns = [
    { name: "study", words: "Study", text: ({ who }) => `${who.citation} ${who.title} ${who.venue}` },
    { name: "year", words: "Year", text: ({ who }) => (who.year === null ? "" : String(who.year)) },
    { name: "codes", words: "", text: ({ row }) => row.codes || "" },
    { name: "evidence", words: "Evidence", text: ({ row }) => `${row.consensus} ${row.evidence}` },
  ];

  function paintList() {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const lines = answer.rows.map((row) => ({ row, who: about.studies[row.key] }));
    const column = columns.find(({ name }) => name === order.column);
    if (column) {
      const way = order.down ? -1 : 1;
      lines.sort((a, b) => {
        const [left, right] = [column.text(a), column.text(b)];
        if (!left || !right) return (left ? 0 : 1) - (right ? 0 : 1); // what is not known comes last
        return way * left.localeCompare(right, "en", { numeric: true });
      });
    }
    const found = lines.filter((line) => {
      const words = columns.map((one) => one.text(line)).join(" ").toLowerCase();
      return wanted.every((word) => words.includes(word));
    });
    const head = make("tr");
    for (const { name, words } of columns) {
      const sorted = order.column === name ? (order.down ? "descending" : "ascending") : "none";
      const arrow = { ascending: " \u25B2", descending: " \u25BC", none: "" }[sorted];
      const shown = name === "codes" ? title(answer.dimension) : words;
      const button = make("button", { type: "button", class: "sdx-sort", "data-column": name }, shown);
      button.append(make("span", { "aria-hidden": "true" }, arrow));
      button.addEventListener("click", () => sort(name));
      head.append(make("th", { scope: "col", "aria-sort": sorted }, button));
    }
    const body = make("tbody");
    for (const { row, who } of found) {
      const study = make("td", {}, link(who.link, who.citation), make("div", { class: "sdx-title" }, who.title));
      if (who.venue) study.append(make("div", { class: "sdx-hint" }, who.venue));
      const evidence = make("td", {});
      if (row.consensus) evidence.append(make("div", { class: "sdx-hint" }, `consensus: ${row.consensus}`));
      for (const line of row.evidence.split("\n").filter(Boolean)) evidence.append(make("div", {}, line));
      if (row.source) evidence.append(make("div", {}, link(row.source, "source")));
      const year = make("td", {}, who.year === null ? "not known" : String(who.year));
      body.append(make("tr", {}, study, year, make("td", {}, row.codes || "not known"), evidence));
    }
    list.replaceChildren(make("table", {}, make("thead", {}, head), body));
    hits.textContent = `${found.length} of ${answer.rows.length} shown`;
    return found.length;
  }

  function sort(name) {
    order = { column: name, down: order.column === name && !order.down };
    paintList();
    list.querySelector(`[data-column="${name}"]`).focus();
    say(`Sorted by ${name}, ${order.down ? "descending" : "ascending"}`);
  }

  function paint() {
    const broken = answer.error !== "";
    error.textContent = broken ? `\u26A0 ${answer.error}` : "";
    text.setAttribute("aria-invalid", String(broken));
    results.classList.toggle("sdx-stale", broken);
    if (broken) {
      if (headline.textContent) alarm.textContent = "\u26A0 The filter cannot be read: these are the results before it.";
      return;
    }
    alarm.textContent = "";
    headline.textContent = answer.headline;
    caution.textContent = answer.total ? answer.caution : `No study meets the filter. ${answer.caution}`;
    where.dataset.text = answer.where;
    where.textContent = answer.where || "(no filter)";
    command.dataset.text = command.textContent = answer.command;
    paintGroups();
    paintShares();
    paintList();
    if (!first) {
      const said = answer.shares.slice(0, 4).map((row) => `${row.title} ${row.count}, ${percent(row.share)} %`);
      say(`${answer.headline}. ${said.join("; ")}`);
    }
    first = false;
  }

  // ---- asking --------------------------------------------------------------------------------------------------------
  function gather() {
    const labels = {};
    for (const { dimension, ticks, open, radios } of groups) {
      const codes = ticks.filter(({ box }) => box.checked).map(({ code }) => code);
      const every = radios.length > 0 && radios[1].checked;
      if (codes.length || open.box.checked) labels[dimension.name] = { codes, every, unknown: open.box.checked };
    }
    const year = (select) => (select.value === "" ? null : Number(select.value));
    return {
      selection: selection.value,
      dimension: counted.value,
      first: year(from),
      last: year(to),
      undated: undated.box.checked,
      labels,
      text: text.value,
    };
  }

  function ask() {
    window.clearTimeout(typing);
    sent += 1;
    waiting = window.performance.now();
    state = { ...gather(), number: sent, client };
    paintGroups();
    results.setAttribute("aria-busy", "true");
    try {
      model.set("asked", state);
      model.save_changes();
    } catch {
      waiting = -PATIENCE; // the page says so at once
    }
  }

  function answered() {
    const got = model.get("answer");
    if (got.client !== client || got.number < sent) return; // an answer to another page, or to an earlier question
    waiting = 0;
    results.removeAttribute("aria-busy");
    if (got.error) answer = { ...answer, error: got.error };
    else answer = got;
    paint();
  }

  function look() {
    if (!waiting || window.performance.now() - waiting < PATIENCE) return;
    const words = "\u26A0 The kernel does not answer: it is busy or has stopped. If it was restarted, run this cell again.";
    if (alarm.textContent !== words) alarm.textContent = words;
    results.classList.add("sdx-stale");
  }

  function clear() {
    for (const { ticks, open, radios } of groups) {
      for (const { box } of [...ticks, open]) box.checked = false;
      if (radios.length) radios[0].checked = true;
    }
    for (const select of [from, to]) select.value = "";
    undated.box.checked = false;
    text.value = "";
    ask();
  }

  form.addEventListener("change", (event) => {
    if (event.target !== text) ask();
  });
  text.addEventListener("input", () => {
    window.clearTimeout(typing);
    typing = window.setTimeout(ask, PAUSE);
  });
  reset.addEventListener("click", clear);
  search.addEventListener("input", () => say(`${paintList()} of ${answer.rows.length} studies shown`));
  root.addEventListener("keydown", (event) => {
    if (event.target === text && event.key === "Enter") ask();
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
    event.stopPropagation(); // keys of this page are no shortcuts of JupyterLab
  });
  model.on("change:answer", answered);
  const timer = window.setInterval(look, 500);
  if (!answer.rows) answer = { ...answer, rows: [], shares: [], boxes: {} };
  paint();

  return () => {
    window.clearInterval(timer);
    window.clearTimeout(typing);
    model.off("change:answer", answered);
  };
}

export default { render };
