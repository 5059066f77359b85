// What the coding page and the adjudication page share. Studies are shown as text only. Nothing is loaded from elsewhere.
// A message counts as saved when the kernel says so; until then it is kept in this browser and shown as not saved yet.

const PATIENCE = 2500; // milliseconds without an answer of the kernel after which the page says so
const TYPING = 700; // milliseconds without a key after which a text is saved
const EMPTY = { labels: {}, unknown: false, confidence: "", evidence: "", source: "", scope: "" };
const ADDRESS = /^https?:\/\/[^\s/]+\S*$/;

function clean(answer) {
  return Object.fromEntries(Object.keys(EMPTY).map((name) => [name, name === "labels" ? { ...answer.labels } : answer[name]]));
}

function missing(answer) {
  if (!answer.unknown && !Object.keys(answer.labels).length) return "choose a code, or unknown";
  if (answer.source && !ADDRESS.test(answer.source.trim())) return "write the source as an address: http:// or https://";
  return "";
}

function outward(address, words) {
  const note = make("span", { class: "sdc-hidden" }, " (opens in a new tab)");
  return make("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, words, note);
}

// One study: who, where, links, and its text.
function drawStudy(study) {
  const facts = [study.authors.replaceAll(" and ", "; "), [study.venue, study.year].filter(Boolean).join(", ")].filter(Boolean);
  const links = study.links.map(([name, id, address]) => make("li", {}, outward(address, `${name} ${id}`)));
  const parts = [make("h4", { class: "sdc-title" }, study.title), ...facts.map((fact) => make("p", { class: "sdc-fact" }, fact))];
  parts.push(links.length ? make("ul", { class: "sdc-links" }, ...links) : make("p", {}, "No identifier is known."));
  parts.push(make("p", { class: "sdc-fact" }, `Key: ${study.key}`));
  if (study.text) parts.push(make("h5", {}, "Text"), make("div", { class: "sdc-text" }, study.text));
  else parts.push(make("p", { class: "sdc-fact" }, "No text was given with the task: read the study under a link."));
  return parts;
}

// Messages to the kernel, kept until it says that they are saved. `show` is called when that may have changed.
function channel({ model, store, saving, answered, show }) {
  const client = Math.random().toString(36).slice(2);
  const pending = new Map(); // name -> { message, at, held }
  let sent = 0, asked = 0, failure = "", closed = false;
  const now = () => window.performance.now();

  function post(message) {
    try {
      model.send(message);
    } catch {
      closed = true; // the page says that it is not saved
    }
  }

  function tell(message) {
    sent += 1;
    post({ ...message, number: sent, client });
  }

  // Keep a message; it is sent by `flush`.
  function hold(name, message) {
    sent += 1;
    const full = { ...message, number: sent, client };
    const earlier = pending.get(name);
    pending.set(name, { message: full, at: earlier ? earlier.at : now(), held: true });
    if (saving) write(store + name, full);
    failure = "";
    show();
  }

  function flush() {
    for (const entry of pending.values()) {
      if (!entry.held) continue;
      entry.held = false;
      entry.at = now();
      post(entry.message);
    }
  }

  function submit(name, message) {
    hold(name, message);
    flush();
  }

  function receive(reply) {
    if (reply.client !== client) return;
    if (reply.type === "failed") failure = reply.reason;
    else if (reply.type === "here") {
      // messages are answered in their order: what was sent before and has no answer yet was lost
      for (const { message, held } of pending.values()) {
        if (!held && message.number < reply.number && !failure) post({ ...message, resent: true });
      }
    } else {
      for (const [name, { message }] of pending) {
        if (message.number !== reply.number) continue;
        pending.delete(name);
        write(store + name, null);
      }
      failure = "";
    }
    answered(reply);
    show();
  }

  function trouble() {
    const late = [...pending.values()].some(({ at, held }) => !held && (closed || now() - at > PATIENCE));
    if (late && !failure && now() - asked > PATIENCE) {
      asked = now();
      tell({ type: "ping" });
    }
    if (failure) return `\u26A0 Not saved. ${failure}`;
    if (!late) return "";
    return (
      "\u26A0 Not saved yet: the kernel does not answer. It is busy or has stopped. What you entered is kept in this browser; " +
      "if the kernel was restarted, run the cells again, and it will be saved."
    );
  }

  // Give up what cannot be saved any longer.
  function drop() {
    for (const name of pending.keys()) write(store + name, null);
    pending.clear();
  }

  // What an earlier page could not save.
  function restore() {
    for (const key of saving ? stored(store) : []) {
      const held = read(key);
      if (!held || typeof held !== "object" || !Number.isInteger(held.position)) continue;
      sent += 1;
      const message = { ...held, number: sent, client, resent: true };
      pending.set(key.slice(store.length), { message, at: now(), held: false });
      post(message);
    }
  }

  model.on("msg:custom", receive);
  const timer = window.setInterval(show, 500);
  const end = () => {
    window.clearInterval(timer);
    model.off("msg:custom", receive);
  };
  return { client, pending, tell, hold, flush, submit, trouble, drop, restore, end };
}

// A group of choices of which one holds: arrows move, space chooses.
function choices(label, options, chosen) {
  const nodes = options.map(([value, words, description]) => {
    const node = make("button", { type: "button", role: "radio", "aria-checked": "false", class: "sdc-option" }, words);
    if (value === "") node.classList.add("sdc-default");
    if (description) node.setAttribute("aria-describedby", description);
    node.addEventListener("click", () => chosen(value));
    return node;
  });
  const group = make("div", { role: "radiogroup", "aria-label": label, class: "sdc-choices" }, ...nodes);
  function set(value, locked) {
    const at = options.findIndex(([name]) => name === value);
    nodes.forEach((node, place) => {
      node.setAttribute("aria-checked", String(place === at));
      node.setAttribute("aria-disabled", String(Boolean(locked)));
      node.tabIndex = place === Math.max(at, 0) ? 0 : -1;
    });
  }
  function step(by) {
    const at = Math.max(nodes.indexOf(document.activeElement), 0);
    nodes[(at + by + nodes.length) % nodes.length].focus();
  }
  return { group, nodes, set, step, current: () => nodes.find((node) => node.tabIndex === 0) || nodes[0] };
}

function rules(category, id) {
  const parts = [make("span", {}, category.definition)];
  for (const [name, words] of [["Include", category.include], ["Exclude", category.exclude]])
    parts.push(" ", make("span", { class: "sdc-rule" }, make("b", {}, `${name}:`), ` ${words}`));
  return make("span", { class: "sdc-rules", id }, ...parts);
}
