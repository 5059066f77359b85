
// The form of one dimension: its codes, and the fields beside them. `changed(answer, typing)` is told of every change.
function answerForm({ dimension, about, client, fields, changed }) {
  const id = (part) => `sdc-${client}-${dimension.name}-${part}`;
  const single = dimension.kind === "single";
  let answer = clean(EMPTY), locked = false, pages = [];

  function change(part, typing = false) {
    if (locked) return;
    answer = { ...answer, ...part };
    paint();
    changed(clean(answer), typing);
  }

  // --- codes
  const absent = dimension.absence === "unlisted" ? "Left out" : "Not told";
  const states = [["yes", "Yes"], ["no", "No"], ["", absent]];
  function label(code, state) {
    const labels = Object.fromEntries(
      dimension.categories
        .map((category) => [category.code, category.code === code ? state : answer.labels[category.code] || ""])
        .filter(([, value]) => value),
    );
    change({ labels, unknown: false });
  }
  function unknown() {
    change(answer.unknown && !single ? { unknown: false } : { labels: {}, unknown: true });
  }

  const rows = []; // what the arrow keys go through: { focus(), node, list }
  const body = make("div", { class: "sdc-codes" });
  let listed = null;
  if (single) {
    const options = dimension.categories.map((category, at) => [category.code, "", id(`rules-${at}`)]);
    listed = choices(dimension.title, [...options, ["?", "", id("rules-unknown")]], (value) =>
      value === "?" ? unknown() : change({ labels: { [value]: "yes" }, unknown: false }),
    );
    listed.group.classList.add("sdc-list");
    dimension.categories.forEach((category, at) => {
      const words = make("span", { class: "sdc-words" }, make("b", {}, category.title), rules(category, id(`rules-${at}`)));
      listed.nodes[at].append(make("span", { class: "sdc-number", "aria-hidden": "true" }, String(at + 1)), words);
      listed.nodes[at].setAttribute("aria-label", category.title);
    });
    const last = listed.nodes[listed.nodes.length - 1];
    const told = make("span", { class: "sdc-rules", id: id("rules-unknown") }, "What I read does not tell. This is not a no.");
    last.append(make("span", { class: "sdc-number", "aria-hidden": "true" }, "u"), make("span", { class: "sdc-words" }, make("b", {}, "Unknown"), told));
    last.setAttribute("aria-label", "Unknown");
    body.append(listed.group);
    rows.push(...listed.nodes.map((node) => ({ node, focus: () => node.focus() })));
  }
  const labels = single
    ? []
    : dimension.categories.map((category, at) => {
        const group = choices(category.title, states.map(([value, words]) => [value, words, id(`rules-${at}`)]), (value) =>
          label(category.code, value),
        );
        const words = make("div", { class: "sdc-words" }, make("b", {}, category.title), rules(category, id(`rules-${at}`)));
        const mark = make("span", { class: "sdc-differs", hidden: "" }, "\u2260 differs");
        words.firstChild.after(mark);
        const node = make("div", { class: "sdc-label" }, words, group.group);
        body.append(node);
        rows.push({ node, focus: () => group.current().focus(), group, code: category.code });
        return { code: category.code, group, node, mark };
      });
  let none = null;
  if (!single) {
    none = make("button", { type: "button", class: "sdc-option sdc-unknown", "aria-pressed": "false" });
    none.append(make("span", { class: "sdc-number", "aria-hidden": "true" }, "u"), make("b", {}, "Unknown"), " \u2013 what I read tells nothing about any of them");
    none.addEventListener("click", unknown);
    body.append(none);
    rows.push({ node: none, focus: () => none.focus() });
  }

  // --- fields
  const confidence = choices("Confidence", [...about.levels.map((level) => [level, level]), ["", "not given"]], (value) =>
    change({ confidence: value }),
  );
  const field = (name, title, node, hint = "") => {
    node.id = id(name);
    const parts = [make("label", { for: node.id, class: "sdc-name" }, title), node];
    if (hint) {
      parts.push(make("span", { class: "sdc-hint", id: id(`${name}-hint`) }, hint));
      node.setAttribute("aria-describedby", id(`${name}-hint`));
    }
    return make("div", { class: "sdc-field" }, ...parts);
  };
  const evidence = make("textarea", { rows: "2", maxlength: about.longest.evidence, class: "sdc-input sdc-evidence" });
  const list = make("datalist", { id: id("pages") });
  const source = make("input", { type: "url", maxlength: about.longest.source, class: "sdc-input", list: list.id, autocomplete: "off" });
  const scope = make("select", { class: "sdc-input" }, make("option", { value: "" }, "not given"), ...about.scopes.map((name) => make("option", { value: name }, name)));
  const same = make("button", { type: "button", class: "sdc-button sdc-same", hidden: "" }, "Same page as before");
  const wrong = make("span", { class: "sdc-wrong", id: id("wrong") });
  let before = null;
  same.addEventListener("click", () => before && change({ source: before.source, scope: before.scope }));
  evidence.addEventListener("input", () => change({ evidence: evidence.value }, true));
  source.addEventListener("input", () => change({ source: source.value }, true));
  for (const node of [evidence, source]) node.addEventListener("change", () => changed(clean(answer), false));
  scope.addEventListener("change", () => change({ scope: scope.value }));
  const box = make("div", { class: "sdc-fields" });
  if (fields.includes("confidence")) box.append(make("div", { class: "sdc-field" }, make("span", { class: "sdc-name" }, "Confidence"), confidence.group));
  if (fields.includes("evidence")) box.append(field("evidence", "Evidence", evidence, "what the source shows, in your words"));
  const address = field("source", "Source", source, "address of the page that you read");
  source.setAttribute("aria-describedby", `${id("source-hint")} ${id("wrong")}`);
  address.append(same, wrong, list);
  box.append(address, field("scope", "How much was read", scope));

  const asked = make("div", { class: "sdc-ask", id: id("ask") }, make("b", {}, dimension.title), ` ${dimension.definition}`);
  const meaning = single
    ? "One code."
    : `Any number of labels. No means: reported as not done. ${
        dimension.absence === "unlisted"
          ? "Once one label is yes, those left out count as not applying."
          : "What is not told stays unknown, which is not a no."
      }`;
  const node = make("div", { class: "sdc-form" }, asked, make("p", { class: "sdc-hint" }, meaning), body, box);

  function paint() {
    const chosen = Object.keys(answer.labels)[0];
    if (listed) listed.set(answer.unknown ? "?" : chosen, locked);
    for (const { code, group, node: row } of labels) {
      const state = answer.labels[code] || "";
      group.set(answer.unknown ? null : state, locked);
      row.classList.toggle("sdc-told", Boolean(state));
    }
    if (none) {
      none.setAttribute("aria-pressed", String(answer.unknown));
      none.setAttribute("aria-disabled", String(locked));
    }
    confidence.set(answer.confidence, locked);
    for (const [input, value] of [[evidence, answer.evidence], [source, answer.source], [scope, answer.scope]])
      if (input.value !== value) input.value = value;
    evidence.readOnly = source.readOnly = locked;
    scope.disabled = locked;
    const bad = Boolean(answer.source) && !ADDRESS.test(answer.source.trim());
    wrong.textContent = bad ? "\u26A0 Not an address: begin with http:// or https://" : "";
    source.setAttribute("aria-invalid", String(bad));
    same.hidden = locked || !before || (before.source === answer.source && before.scope === answer.scope);
  }

  // `told`: answer, whether it is locked, addresses to offer, the page of another answer, labels to mark
  function set(told) {
    answer = clean(told.answer);
    locked = Boolean(told.locked);
    before = told.before || null;
    if (told.pages && told.pages.join() !== pages.join()) {
      pages = told.pages;
      list.replaceChildren(...pages.map((page) => make("option", { value: page })));
    }
    for (const { code, mark } of labels) mark.hidden = !(told.differing || []).includes(code);
    paint();
  }

  function place() {
    return rows.findIndex((row) => row.node === document.activeElement || row.node.contains(document.activeElement));
  }

  function focus(at = -1) {
    if (at < 0 && listed) return listed.current().focus();
    if (at < 0) at = Math.max(rows.findIndex((row) => row.code && answer.labels[row.code]), 0);
    if (at < 0 || (at === 0 && answer.unknown && none)) return none.focus();
    return rows[Math.min(at, rows.length - 1)].focus();
  }

  // Take a key; true if it meant something here.
  function press(event) {
    const at = place();
    const turn = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const side = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (confidence.nodes.includes(document.activeElement) && (turn || side)) confidence.step(turn || side);
    else if (event.key === "u" || event.key === "U") unknown();
    else if ((event.key === "s" || event.key === "S") && !same.hidden) same.click();
    else if ((event.key === "e" || event.key === "E") && fields.includes("evidence")) evidence.focus();
    else if (at < 0) return false;
    else if (turn) rows[(at + turn + rows.length) % rows.length].focus();
    else if (side && rows[at].group) rows[at].group.step(side);
    else if (single && /^[1-9]$/.test(event.key) && Number(event.key) < rows.length) {
      listed.nodes[Number(event.key) - 1].click();
      listed.nodes[Number(event.key) - 1].focus();
    } else if (rows[at].code && /^[ynt]$/i.test(event.key)) {
      label(rows[at].code, { y: "yes", n: "no", t: "" }[event.key.toLowerCase()]);
      rows[at].focus();
    } else return false;
    return true;
  }

  const typing = (target) => target === evidence || target === source || target === scope;
  return { node, set, focus, press, typing, answer: () => clean(answer), asked: asked.id };
}
