// A rating task: one item at a time beside its questions. Items are shown as text only. Nothing is loaded from elsewhere.
// An answer counts as saved when the kernel says so; until then it is kept in this browser and shown as not saved yet.

const PATIENCE = 2500; // milliseconds without an answer of the kernel after which the page says so
const SVG = "http://www.w3.org/2000/svg";

function number(value) {
  return String(Number(value.toPrecision(4))).replace("-", "\u2212");
}

function drawSequence(part) {
  const known = part.values.filter((value) => value !== null);
  const low = Math.min(...known), high = Math.max(...known);
  const count = part.values.length;
  const label = known.length
    ? `${part.name}: a line of ${count} values, lowest ${number(low)}, highest ${number(high)}, ` +
      `first ${number(known[0])}, last ${number(known[known.length - 1])}`
    : `${part.name}: no values`;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 600 140");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const runs = [[]];
  part.values.forEach((value, place) => {
    if (value === null) return runs.push([]);
    const x = 4 + (592 * place) / Math.max(count - 1, 1);
    const y = 134 - (128 * (value - low)) / (high - low || 1);
    return runs[runs.length - 1].push(`${x.toFixed(1)},${y.toFixed(1)}`);
  });
  for (const run of runs.filter((points) => points.length)) {
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", run.length > 1 ? run.join(" ") : `${run[0]} ${run[0]}`);
    svg.append(line);
  }
  const caption = known.length ? `${count} values from ${number(low)} to ${number(high)}` : "no values";
  return make("figure", {}, make("h4", {}, part.name), svg, make("figcaption", {}, caption));
}

function drawPart(part, alone) {
  if (part.kind === "sequence") return drawSequence(part);
  if (part.kind === "rows") {
    const rows = part.rows.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value)));
    return make("table", {}, make("tbody", {}, ...rows));
  }
  const text = make("div", { class: "sdr-text" }, part.text);
  return part.name && !alone ? make("section", {}, make("h4", {}, part.name), text) : text;
}

function render({ model, el }) {
  const about = model.get("about");
  const client = Math.random().toString(36).slice(2);
  const pending = new Map(); // position -> { message, at }: not saved yet
  let view = model.get("view");
  let answers = {}, active = 0, sent = 0, asked = 0, failure = "", closed = false, arrived = "";
  let started = 0, seen = 0, before = 0, paused = false;

  const heading = make("h3", { class: "sdr-heading" });
  const bar = make("progress", { class: "sdr-bar", max: about.total, "aria-hidden": "true" });
  const state = make("span", { class: "sdr-state" });
  const item = make("div", { class: "sdr-item", role: "region", tabindex: "0" });
  const form = make("div", { class: "sdr-form" });
  const live = make("div", { class: "sdr-live", role: "status", "aria-live": "polite", "aria-atomic": "true" });
  const alarm = make("div", { class: "sdr-alarm", role: "alert" });
  const back = make("button", { type: "button", class: "sdr-button" }, "Previous");
  const onward = make("button", { type: "button", class: "sdr-button sdr-main" }, "Save and next");
  const keys = make("p", { class: "sdr-keys" });
  for (const [key, meaning] of [
    ["1\u20139", "answer"],
    ["\u2191 \u2193", "question"],
    ["Enter", "save and next"],
    ["Backspace", "or"],
    ["p", "previous"],
  ]) keys.append(make("kbd", {}, key), ` ${meaning}${meaning === "or" ? " " : "\u2003"}`);
  const buttons = make("div", { class: "sdr-buttons" }, back, onward);
  const root = make(
    "div",
    { class: "sd-page sdr-rating", role: "group", "aria-label": "Rating task", "data-lm-suppress-shortcuts": "true" },
    make("div", { class: "sdr-head" }, heading, state),
    bar,
    alarm,
    make("div", { class: "sdr-body" }, item, make("div", { class: "sdr-side" }, form, buttons, keys)),
    live,
  );
  el.append(root);

  const groups = about.questions.map((question, place) => {
    const id = `sdr-${client}-${place}`;
    const options = question.levels.map((words, at) => {
      const option = make("button", { type: "button", role: "radio", class: "sdr-option", "aria-checked": "false" });
      option.append(make("span", { class: "sdr-number" }, String(at + 1)), make("span", { class: "sdr-words" }, words));
      option.setAttribute("aria-label", `${at + 1}: ${words}`);
      option.addEventListener("click", () => choose(place, at + 1));
      return option;
    });
    const chosen = make("span", { class: "sdr-chosen", "aria-hidden": "true" });
    const list = make("div", { role: "radiogroup", "aria-labelledby": id, class: "sdr-options" }, ...options);
    const group = make(
      "div",
      { class: "sdr-question" },
      make("div", { id, class: "sdr-ask" }, make("strong", {}, question.title), ` ${question.question}`),
      make("div", { class: "sdr-row" }, list, chosen),
    );
    group.addEventListener("focusin", () => activate(place));
    form.append(group);
    return { question, group, options, chosen };
  });

  function now() {
    return window.performance.now();
  }

  function noticed() {
    if (now() - seen > about.pause * 1000) paused = true;
    seen = now();
  }

  function activate(place) {
    active = place;
    groups.forEach(({ group }, at) => group.classList.toggle("sdr-active", at === place));
  }

  function focus(place, level = 0) {
    activate(Math.min(Math.max(place, 0), groups.length - 1));
    const { options, question } = groups[active];
    options[(level || answers[question.name] || 1) - 1].focus();
  }

  function paint() {
    for (const { question, options, chosen, group } of groups) {
      const level = answers[question.name] || 0;
      options.forEach((option, at) => {
        option.setAttribute("aria-checked", String(at + 1 === level));
        option.tabIndex = at + 1 === (level || 1) ? 0 : -1;
      });
      group.classList.toggle("sdr-answered", level > 0);
      chosen.textContent = level ? question.levels[level - 1] : "not answered";
    }
    heading.textContent = view.finished ? "All items are answered" : `Item ${view.position + 1} of ${about.total}`;
    bar.value = view.answered;
    item.setAttribute("aria-label", heading.textContent);
    const waiting = pending.size > 0;
    root.classList.toggle("sdr-waiting", waiting);
    const saved = Object.keys(answers).length || view.finished ? "\u2713 Saved" : "";
    state.textContent = !about.rater ? "\u25CB A look: nothing is saved" : waiting ? "\u25CB Not saved yet" : saved;
    back.disabled = view.position === 0 && !view.finished;
    onward.disabled = view.finished;
    form.hidden = view.finished;
  }

  function where() {
    return view.finished ? `all ${about.total} items are answered` : `item ${view.position + 1} of ${about.total}`;
  }

  function say(words) {
    live.textContent = words;
  }

  function warn(words) {
    if (alarm.textContent !== words) alarm.textContent = words;
  }

  function adopt() {
    const kept = pending.get(view.position);
    answers = { ...(kept ? kept.message.answers : view.answers) };
    before = kept ? Math.max(view.seconds, kept.message.seconds) : view.seconds;
    paused = view.paused || Boolean(kept && kept.message.paused);
  }

  function display(move) {
    adopt();
    started = seen = now();
    item.replaceChildren();
    if (view.finished) {
      const end = about.rater ? " and saved" : "";
      item.append(make("p", {}, `All ${about.total} items are answered${end}. Thank you.`));
      item.append(make("p", {}, "Previous goes back, to change an answer."));
    } else item.append(...view.parts.map((part) => drawPart(part, view.parts.length === 1)));
    item.scrollTop = 0;
    activate(0);
    paint();
    if (move) {
      if (view.finished) back.focus();
      else focus(0);
    }
  }

  function post(message) {
    try {
      model.send(message);
    } catch {
      closed = true; // the page says that it is not saved
    }
  }

  function submit(type) {
    noticed();
    sent += 1;
    const seconds = Math.round(100 * (before + (now() - started) / 1000)) / 100;
    const message = { type, number: sent, client, position: view.position, answers: { ...answers }, seconds, paused };
    const earlier = pending.get(view.position);
    pending.set(view.position, { message, at: earlier ? earlier.at : now() });
    if (about.rater) write(about.store + view.position, message);
    failure = "";
    post(message);
    look();
    paint();
  }

  function choose(place, level) {
    const { question } = groups[place];
    if (level > question.levels.length) return;
    answers[question.name] = level;
    submit("answer");
    focus(place, level);
  }

  function next() {
    const open = groups.findIndex(({ question }) => !answers[question.name]);
    if (view.finished) return;
    if (open >= 0) {
      const left = groups.filter(({ question }) => !answers[question.name]).length;
      focus(open);
      say(`${left} of ${groups.length} questions are not answered. Now: ${groups[open].question.title}`);
      return;
    }
    submit("next");
  }

  function previous() {
    if (back.disabled) return;
    sent += 1;
    post({ type: "previous", number: sent, client });
  }

  function settle(reply) {
    for (const [position, { message }] of pending) {
      if (message.number > reply.number) continue;
      pending.delete(position);
      write(about.store + position, null);
    }
  }

  function receive(reply) {
    if (reply.client !== client) return;
    if (reply.type === "failed") failure = reply.reason;
    else if (reply.type === "here") {
      // messages are answered in their order: what was sent before and has no answer yet was lost
      for (const { message } of pending.values()) {
        if (message.number < reply.number && !failure) post({ ...message, resent: true });
      }
    } else {
      const place = arrived || where();
      arrived = "";
      if (reply.type !== "moved") {
        settle(reply);
        failure = "";
      }
      if (reply.type === "superseded") adopt();
      say(
        { saved: `Saved, ${place}`, kept: `${place}; nothing is saved`, superseded: "Newer answers to this item were saved before." }[
          reply.type
        ] || place,
      );
    }
    look();
    paint();
  }

  function look() {
    const late = [...pending.values()].some(({ at }) => closed || now() - at > PATIENCE);
    if (failure) warn(`\u26A0 Not saved. ${failure}`);
    else if (late)
      warn(
        "\u26A0 Not saved yet: the kernel does not answer. It is busy or has stopped. The answers to this item are kept in this " +
          "browser; if the kernel was restarted, run the cells again, and they will be saved.",
      );
    else warn("");
    if (late && !failure && now() - asked > PATIENCE) {
      asked = now();
      sent += 1;
      post({ type: "ping", number: sent, client });
    }
  }

  function changed() {
    const held = view;
    const inside = root.contains(document.activeElement);
    view = model.get("view");
    if (view.position !== held.position || view.finished !== held.finished) {
      display(inside);
      arrived = where();
    } else if (!pending.size) {
      adopt();
      paint();
    }
  }

  function pressed(event) {
    noticed();
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
    event.stopPropagation();
    const reading = event.target === item;
    const button = event.target === back || event.target === onward;
    const { options, question } = groups[active];
    const turn = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const side = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Enter" && !button) next();
    else if (event.key === "Backspace" || event.key === "p" || event.key === "P") previous();
    else if (view.finished) return;
    else if (/^[1-9]$/.test(event.key)) choose(active, Number(event.key));
    else if (turn && !reading) focus(active + turn);
    else if (side && !reading) {
      const at = options.indexOf(document.activeElement);
      focus(active, 1 + ((Math.max(at, 0) + side + question.levels.length) % question.levels.length));
    } else return;
    event.preventDefault();
  }

  root.addEventListener("keydown", pressed);
  for (const kind of ["pointerdown", "pointermove", "wheel"]) root.addEventListener(kind, noticed, { passive: true });
  back.addEventListener("click", previous);
  onward.addEventListener("click", next);
  model.on("change:view", changed);
  model.on("msg:custom", receive);
  const timer = window.setInterval(look, 500);

  // what an earlier page could not save
  for (const key of about.rater ? stored(about.store) : []) {
    const held = read(key);
    if (!held || !Number.isInteger(held.position)) continue;
    sent += 1;
    const message = { ...held, type: "answer", number: sent, client, resent: true };
    pending.set(held.position, { message, at: now() });
    post(message);
  }
  display(false);

  return () => {
    window.clearInterval(timer);
    model.off("change:view", changed);
    model.off("msg:custom", receive);
  };
}

export default { render };
