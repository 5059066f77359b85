
// The adjudication page: one disagreement at a time, both answers beside each other.
function render({ model, el }) {
  const about = model.get("about");
  let view = model.get("view");
  let choice = "", third = clean(EMPTY), arrived = "", lack = "";

  const heading = make("h3", { class: "sdc-heading" });
  const bar = make("progress", { class: "sdc-bar", max: about.total, "aria-hidden": "true" });
  const state = make("span", { class: "sdc-state" });
  const study = make("div", { class: "sdc-study", role: "region", "aria-label": "Study in dispute", tabindex: "0" });
  const live = make("div", { class: "sdc-hidden", role: "status", "aria-live": "polite", "aria-atomic": "true" });
  const alarm = make("div", { class: "sdc-alarm", role: "alert" });
  const panel = make("div", { class: "sdc-panel" });
  const back = make("button", { type: "button", class: "sdc-button" }, "Previous");
  const ahead = make("button", { type: "button", class: "sdc-button" }, "Next");
  const onward = make("button", { type: "button", class: "sdc-button sdc-main" }, "Save and next");
  const keys = make("p", { class: "sdc-keys" });
  for (const [key, meaning] of [
    ["1 2 3", "choose"],
    ["r", "reason"],
    ["Esc", "back to the answers"],
    ["Enter", "save and next"],
    ["Ctrl + Enter", "the same in a text"],
    ["Backspace", "previous"],
  ]) keys.append(make("kbd", {}, key), ` ${meaning}\u2003`);
  const side = make("div", { class: "sdc-side" }, panel, make("div", { class: "sdc-buttons" }, onward, back, ahead), keys);
  const root = make(
    "div",
    { class: "sd-page sdc-root", role: "group", "aria-label": "Adjudication", "data-lm-suppress-shortcuts": "true" },
    make("div", { class: "sdc-head" }, heading, state),
    bar,
    alarm,
    make("div", { class: "sdc-body" }, study, side),
    live,
  );
  el.append(root);

  const wire = channel({ model, store: `${about.store}m:`, saving: Boolean(about.adjudicator), answered, show });
  const reason = make("textarea", { rows: "2", maxlength: about.longest.reason, class: "sdc-input", id: `sdc-${wire.client}-reason` });
  reason.addEventListener("input", draft);
  let cards = null, form = null;
  const say = (words) => (live.textContent = words);
  const book = () => about.dimensions.find((dimension) => dimension.name === view.dimension);
  const slot = () => `${about.store}d:${view.study.key}:${view.dimension}`;

  function draft() {
    lack = "";
    if (about.adjudicator) write(slot(), { choice, third, reason: reason.value, sequence: view.sequence });
    show();
  }

  function choose(value) {
    choice = value;
    paint();
    draft();
  }

  function card(answer, number) {
    const titles = Object.fromEntries(book().categories.map((category) => [category.code, category.title]));
    const parts = Object.entries(answer.labels).map(([code, told]) => {
      const differs = view.labels.includes(code) || view.labels.includes("");
      const words = `${titles[code]}${told === "no" ? ": reported as not done" : ""}`;
      return make("li", differs ? { class: "sdc-apart" } : {}, words, differs ? make("span", { class: "sdc-differs" }, " \u2260 differs") : "");
    });
    if (answer.unknown) parts.push(make("li", { class: "sdc-apart" }, "Unknown", make("span", { class: "sdc-differs" }, " \u2260 differs")));
    const facts = [["Confidence", answer.confidence], ["Evidence", answer.evidence], ["How much was read", answer.scope]];
    const rows = facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value || "not given")]);
    const page = ADDRESS.test(answer.source) ? outward(answer.source, answer.source) : "not given";
    return make("div", { class: "sdc-card" }, make("b", {}, `Answer ${number}`), make("ul", {}, ...parts), make("dl", {}, ...rows, make("dt", {}, "Source"), make("dd", {}, page)));
  }

  function display(move) {
    lack = "";
    study.replaceChildren();
    panel.replaceChildren();
    if (view.finished) {
      study.append(make("p", {}, `All ${about.total} disagreements are settled${about.adjudicator ? " and saved" : ""}. Thank you.`));
      study.append(make("p", {}, "Run the cells below again to see what would be written. Previous goes back, to change a decision."));
    } else {
      study.append(...drawStudy(view.study));
      const dimension = book();
      form = answerForm({ dimension, about, client: wire.client, fields: ["source", "scope"], changed: (answer) => { third = answer; draft(); } });
      const held = view.held.choice || !about.adjudicator ? null : read(slot());
      const kept = held && held.sequence === view.sequence ? held : view.held;
      choice = kept.choice;
      third = clean(kept.third || kept.answer);
      reason.value = kept.reason;
      cards = choices("Which answer is right?", [["0", "Answer 1"], ["1", "Answer 2"], ["third", "Another answer (3)"]], choose);
      cards.group.classList.add("sdc-three");
      const label = make("label", { for: reason.id, class: "sdc-name" }, "Reason (needed)");
      panel.append(
        make("div", { class: "sdc-ask" }, make("b", {}, dimension.title), ` ${dimension.definition}`),
        make("div", { class: "sdc-cards" }, card(view.answers[0], 1), card(view.answers[1], 2)),
        cards.group,
        form.node,
        make("div", { class: "sdc-field" }, label, reason),
      );
    }
    study.scrollTop = panel.scrollTop = 0;
    paint();
    if (move) (view.finished ? back : cards.current()).focus();
  }

  function paint() {
    if (!view.finished) {
      cards.set(choice);
      form.node.hidden = choice !== "third";
      form.set({ answer: third, pages: view.study.links.map(([, , address]) => address), differing: view.labels });
    }
    heading.textContent = view.finished ? "All disagreements are settled" : `Disagreement ${view.position + 1} of ${about.total}`;
    bar.value = view.settled;
    back.disabled = view.position === 0 && !view.finished;
    ahead.disabled = view.finished || view.position + 1 >= about.total;
    onward.hidden = keys.hidden = panel.hidden = view.finished;
    show();
  }

  function show() {
    const waiting = wire.pending.size > 0;
    root.classList.toggle("sdc-waiting", waiting);
    const held = view.held;
    const same = choice === held.choice && reason.value === held.reason;
    const words = view.finished || (held.choice && same) ? `\u2713 Saved (${about.adjudicator})` : `${view.settled} of ${about.total} settled`;
    state.textContent = !about.adjudicator ? "\u25CB A look: nothing is saved" : waiting ? "\u25CB Not saved yet" : words;
    const trouble = wire.trouble() || lack;
    if (alarm.textContent !== trouble) alarm.textContent = trouble;
  }

  function save() {
    if (view.finished) return;
    const open = !choice ? "choose an answer" : choice === "third" && missing(third) ? missing(third) : reason.value.trim() ? "" : "write a reason";
    if (open) {
      lack = `\u26A0 Not saved: ${open}`;
      show();
      (!choice ? cards.current() : open === "write a reason" ? reason : form).focus();
      return;
    }
    const message = { type: "decide", position: view.position, basis: view.basis, choice, answer: third, reason: reason.value, base: view.sequence };
    write(slot(), null);
    wire.submit(String(view.position), message);
  }

  function go(step) {
    wire.tell({ type: "go", step });
  }

  function answered(reply) {
    if (reply.type === "failed" || reply.type === "here") return;
    const place = arrived;
    arrived = "";
    const words = { saved: "Saved", kept: "Nothing is saved", superseded: "A newer decision was saved before" }[reply.type];
    say([words, place].filter(Boolean).join(", "));
    paint();
  }

  function viewed() {
    const held = view;
    view = model.get("view");
    const moved = view.position !== held.position || view.finished !== held.finished;
    if (!moved) return paint();
    arrived = view.finished ? `all ${about.total} disagreements are settled` : `disagreement ${view.position + 1} of ${about.total}, ${book().title}`;
    return display(root.contains(document.activeElement));
  }

  function pressed(event) {
    if (event.ctrlKey && event.key === "Enter") {
      save();
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
    event.stopPropagation();
    if (view.finished) return;
    const target = event.target;
    const turn = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (target === reason || form.typing(target)) {
      if (event.key === "Escape") cards.current().focus();
      else return;
    } else if (target === study || target.tagName === "A") return;
    else if (event.key === "Enter" && !target.matches(".sdc-button")) save();
    else if (event.key === "Backspace") go(-1);
    else if (event.key === "r" || event.key === "R") reason.focus();
    else if (event.key === "Escape") cards.current().focus();
    else if (form.node.contains(target)) {
      if (!form.press(event)) return;
    } else if (/^[123]$/.test(event.key)) {
      cards.nodes[Number(event.key) - 1].click();
      if (event.key === "3") form.focus();
      else cards.nodes[Number(event.key) - 1].focus();
    } else if (turn && cards.nodes.includes(target)) cards.step(turn);
    else return;
    event.preventDefault();
  }

  root.addEventListener("keydown", pressed);
  back.addEventListener("click", () => go(-1));
  ahead.addEventListener("click", () => go(1));
  onward.addEventListener("click", save);
  model.on("change:view", viewed);
  wire.restore();
  display(false);

  return () => {
    wire.end();
    model.off("change:view", viewed);
  };
}

export default { render };
