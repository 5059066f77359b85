
// The coding page: one study at a time, its evidence beside the questions.
function render({ model, el }) {
  const about = model.get("about");
  let view = model.get("view");
  let at = 0, arrived = "", timer = 0, lack = "";
  let answers = {};

  const heading = make("h3", { class: "sdc-heading" });
  const bar = make("progress", { class: "sdc-bar", max: about.total, "aria-hidden": "true" });
  const state = make("span", { class: "sdc-state" });
  const study = make("div", { class: "sdc-study", role: "region", "aria-label": "Study to code", tabindex: "0" });
  const live = make("div", { class: "sdc-hidden", role: "status", "aria-live": "polite", "aria-atomic": "true" });
  const alarm = make("div", { class: "sdc-alarm", role: "alert" });
  const sealed = make("div", { class: "sdc-note", hidden: "" }, "Your codes are closed, because results were shown. You can read them, not change them.");
  const tabs = make("div", { role: "tablist", "aria-label": "Questions", class: "sdc-tabs" });
  const panel = make("div", { role: "tabpanel", class: "sdc-panel" });
  const back = make("button", { type: "button", class: "sdc-button" }, "Previous study");
  const ahead = make("button", { type: "button", class: "sdc-button" }, "Next study");
  const onward = make("button", { type: "button", class: "sdc-button sdc-main" });
  const keys = make("p", { class: "sdc-keys" });
  const side = make("div", { class: "sdc-side" }, tabs, panel, make("div", { class: "sdc-buttons" }, onward, back, ahead), keys);
  const body = make("div", { class: "sdc-body" }, study, side);
  const root = make(
    "div",
    { class: "sd-page sdc-root", role: "group", "aria-label": "Coding task", "data-lm-suppress-shortcuts": "true" },
    make("div", { class: "sdc-head" }, heading, state),
    bar,
    sealed,
    alarm,
    body,
    live,
  );
  el.append(root);

  const wire = channel({ model, store: about.store, saving: Boolean(about.coder), answered, show });
  const fields = ["confidence", "evidence", "source", "scope"];
  const forms = about.dimensions.map((dimension) =>
    answerForm({ dimension, about, client: wire.client, fields, changed: (answer, typing) => changed(dimension.name, answer, typing) }),
  );
  const marks = about.dimensions.map((dimension, place) => {
    const mark = make("span", { class: "sdc-mark" });
    const tab = make("button", { type: "button", role: "tab", class: "sdc-tab", id: `sdc-${wire.client}-tab-${place}` }, mark, dimension.title);
    tab.addEventListener("click", () => turn(place));
    tabs.append(tab);
    return { tab, mark };
  });
  panel.append(...forms.map((form) => form.node));

  const name = (dimension) => `${view.position}:${dimension}`;
  const kept = (dimension) => wire.pending.get(name(dimension));
  const open = () => about.dimensions.map((dimension) => missing(answers[dimension.name]));
  const say = (words) => (live.textContent = words);

  function adopt() {
    for (const { name: dimension } of about.dimensions) {
      const waiting = kept(dimension);
      answers[dimension] = clean(waiting ? waiting.message.answer : view.answers[dimension]);
    }
  }

  function changed(dimension, answer, typing) {
    const same = JSON.stringify(answer) === JSON.stringify(answers[dimension]);
    if (same && !kept(dimension)) return;
    answers[dimension] = answer;
    lack = "";
    const message = { type: "answer", position: view.position, dimension, answer, base: view.sequences[dimension] };
    window.clearTimeout(timer);
    if (!same) wire.hold(name(dimension), message);
    if (typing) timer = window.setTimeout(wire.flush, TYPING);
    else wire.flush();
    paint();
  }

  // The page of the nearest answer before this one, or else after it.
  function before(place) {
    const order = [...about.dimensions.keys()].filter((other) => other !== place);
    order.sort((one, two) => (one > place) - (two > place) || Math.abs(one - place) - Math.abs(two - place));
    const found = order.map((other) => answers[about.dimensions[other].name]).find((answer) => answer.source);
    return found ? { source: found.source, scope: found.scope } : null;
  }

  function paint() {
    const left = open();
    const pages = view.study.links.map(([, , address]) => address);
    forms.forEach((form, place) => {
      form.node.hidden = place !== at;
      form.set({ answer: answers[about.dimensions[place].name], locked: view.closed, pages, before: before(place) });
      const { tab, mark } = marks[place];
      tab.setAttribute("aria-selected", String(place === at));
      tab.tabIndex = place === at ? 0 : -1;
      mark.textContent = left[place] ? "\u25CB" : "\u2713";
      tab.setAttribute("aria-label", `${about.dimensions[place].title}, ${left[place] ? "open" : "answered"}`);
    });
    panel.setAttribute("aria-labelledby", marks[at].tab.id);
    const number = left.filter(Boolean).length;
    const rest = left.filter((words, place) => words && place !== at).length;
    onward.textContent = number === 0 ? (view.done >= about.total - (view.called ? 0 : 1) ? "Finish" : "Study done, next one") : rest ? "Next open question" : "Study done";
    keys.replaceChildren();
    const single = about.dimensions[at].kind === "single";
    for (const [key, meaning] of [
      ...(single ? [["1\u20139", "choose"]] : [["y", "yes"], ["n", "no"], ["t", absentWord()]]),
      ["u", "unknown"],
      ["\u2191 \u2193", single ? "option" : "label"],
      ["e", "evidence"],
      ["s", "same page as before"],
      ["Esc", "back to the codes"],
      ["Enter", "go on"],
      ["Ctrl + Enter", "the same in a text"],
      ["Backspace", "question before"],
    ]) keys.append(make("kbd", {}, key), ` ${meaning}\u2003`);
    heading.textContent = view.finished ? "All studies are coded" : `Study ${view.position + 1} of ${about.total}`;
    bar.value = view.done;
    sealed.hidden = !view.closed;
    back.disabled = view.position === 0 && !view.finished;
    ahead.disabled = view.finished || view.position + 1 >= about.total;
    onward.hidden = tabs.hidden = panel.hidden = keys.hidden = view.finished;
    show();
  }

  function absentWord() {
    return about.dimensions[at].absence === "unlisted" ? "left out" : "not told";
  }

  function show() {
    const waiting = wire.pending.size > 0;
    root.classList.toggle("sdc-waiting", waiting);
    const any = view.finished || Object.values(answers).some((answer) => JSON.stringify(answer) !== JSON.stringify(EMPTY));
    state.textContent = !about.coder ? "\u25CB A look: nothing is saved" : waiting ? "\u25CB Not saved yet" : any ? `\u2713 Saved (${about.coder})` : `Coder: ${about.coder}`;
    const words = wire.trouble() || lack;
    if (alarm.textContent !== words) alarm.textContent = words;
  }

  function where() {
    return view.finished ? `all ${about.total} studies are coded` : `study ${view.position + 1} of ${about.total}: ${view.study.title}`;
  }

  function turn(place) {
    at = place;
    lack = "";
    paint();
    panel.scrollTop = 0;
    forms[at].focus();
    say(`Question ${at + 1} of ${forms.length}: ${about.dimensions[at].title}`);
  }

  function display(move) {
    lack = "";
    adopt();
    study.replaceChildren();
    if (view.finished) {
      study.append(make("p", {}, `All ${about.total} studies are coded${about.coder ? " and saved" : ""}. Thank you.`));
      study.append(make("p", {}, "Previous study goes back, to change an answer. Results are shown by the cells below; running them closes your codes."));
    } else study.append(...drawStudy(view.study));
    study.scrollTop = 0;
    at = Math.max(open().findIndex(Boolean), 0);
    paint();
    panel.scrollTop = 0;
    if (move) (view.finished ? back : { focus: () => forms[at].focus() }).focus();
  }

  function next() {
    if (view.finished) return;
    const left = open();
    const rest = [...left.keys()].map((place) => (at + 1 + place) % left.length).find((place) => left[place]);
    if (left[at]) {
      lack = `${about.dimensions[at].title}: ${left[at]}`;
      show();
      forms[at].focus();
    } else if (rest !== undefined) turn(rest);
    else {
      wire.flush();
      wire.tell({ type: "done", position: view.position });
    }
  }

  function go(step) {
    wire.flush();
    wire.tell({ type: "go", step });
  }

  function answered(reply) {
    if (reply.type === "failed" || reply.type === "here") return;
    const place = arrived;
    arrived = "";
    if (reply.type === "superseded") adopt();
    const words = { saved: "Saved", kept: "Nothing is saved", superseded: "A newer answer was saved before" }[reply.type];
    if (place || words) say([words, place].filter(Boolean).join(", "));
    if (!wire.pending.size) adopt();
    paint();
  }

  function viewed() {
    const held = view;
    view = model.get("view");
    const inside = root.contains(document.activeElement);
    if (view.closed) wire.drop();
    if (view.position !== held.position || view.finished !== held.finished) {
      arrived = where();
      display(inside);
    } else {
      adopt();
      paint();
    }
  }

  function pressed(event) {
    if (event.ctrlKey && event.key === "Enter") {
      next();
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
    event.stopPropagation();
    const target = event.target;
    if (forms[at].typing(target)) {
      if (event.key === "Escape") forms[at].focus();
      else if (event.key === "Enter" && target.tagName === "INPUT") next();
      else return;
    } else if (view.finished || target === study || target.tagName === "A") return;
    else if (target.getAttribute("role") === "tab" && ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) {
      const by = event.key === "ArrowRight" || event.key === "ArrowDown" ? 1 : -1;
      at = (at + by + marks.length) % marks.length;
      paint();
      marks[at].tab.focus();
    } else if (event.key === "Enter" && !target.matches(".sdc-button, .sdc-tab")) next();
    else if (event.key === "Backspace") turn((at - 1 + forms.length) % forms.length);
    else if (event.key === "Escape") forms[at].focus();
    else if (!forms[at].press(event)) return;
    event.preventDefault();
  }

  root.addEventListener("keydown", pressed);
  back.addEventListener("click", () => go(-1));
  ahead.addEventListener("click", () => go(1));
  onward.addEventListener("click", next);
  model.on("change:view", viewed);
  wire.restore();
  display(false);

  return () => {
    window.clearTimeout(timer);
    wire.flush();
    wire.end();
    model.off("change:view", viewed);
  };
}

export default { render };
