// Full-text search: every word must begin a word of an entry; words in the title count most.
"use strict";
{
  const MOST = 50;
  const field = document.getElementById("query");
  const list = document.getElementById("results");
  const status = document.getElementById("hits");
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const begins = (word) => new RegExp(`(?<![\\p{L}\\p{N}])${word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`, "gu");
  const entries = window.siteIndex.map((entry) => ({ ...entry, title: fold(entry.t), text: fold(entry.s) }));

  function find(words) {
    const patterns = words.map(begins);
    const found = [];
    entries.forEach((entry, place) => {
      let score = 0;
      for (const pattern of patterns) {
        const title = (entry.title.match(pattern) ?? []).length;
        const text = (entry.text.match(pattern) ?? []).length;
        if (!title && !text) return;
        score += 10 * Math.min(title, 2) + Math.min(text, 5);
      }
      found.push({ entry, score, place });
    });
    return found.sort((a, b) => b.score - a.score || a.place - b.place).map(({ entry }) => entry);
  }

  // The text around the first hit, with the words marked. Folding may change lengths: then nothing is marked.
  function excerpt(entry, words) {
    const line = document.createElement("p");
    const same = entry.s.length === entry.text.length;
    const first = same ? Math.min(...words.map((word) => { const at = entry.text.search(begins(word)); return at < 0 ? Infinity : at; })) : Infinity;
    const start = first === Infinity ? 0 : Math.max(0, entry.s.lastIndexOf(" ", Math.max(0, first - 60)) + 1);
    const text = entry.s.slice(start, start + 220);
    const folded = same ? entry.text.slice(start, start + 220) : "";
    if (start) line.append("… ");
    let place = 0;
    const marks = words.flatMap((word) => [...folded.matchAll(begins(word))].map((hit) => [hit.index, hit.index + hit[0].length]));
    for (const [from, to] of marks.sort((a, b) => a[0] - b[0])) {
      if (from < place) continue;
      const mark = document.createElement("mark");
      mark.textContent = text.slice(from, to);
      line.append(text.slice(place, from), mark);
      place = to;
    }
    line.append(text.slice(place), start + 220 < entry.s.length ? " …" : "");
    return line;
  }

  function show() {
    const words = [...new Set(fold(field.value).split(/\s+/).filter(Boolean))];
    const found = words.length ? find(words) : [];
    list.replaceChildren(...found.slice(0, MOST).map((entry) => {
      const link = document.createElement("a");
      link.href = entry.a;
      link.textContent = entry.t;
      const kind = document.createElement("span");
      kind.className = "kind";
      kind.textContent = ` ${entry.k}`;
      const item = document.createElement("li");
      item.append(link, kind, excerpt(entry, words));
      return item;
    }));
    const cut = found.length > MOST ? `, the first ${MOST} are shown` : "";
    status.textContent = words.length ? `${found.length} hit${found.length === 1 ? "" : "s"}${cut}` : "";
  }

  const asked = () => new URLSearchParams(location.hash.slice(1)).get("q") ?? new URLSearchParams(location.search).get("q") ?? "";
  const recall = () => { field.value = asked(); show(); };
  let waiting = 0;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      history.replaceState(null, "", "#q=" + encodeURIComponent(field.value));
      show();
    }, 120);
  });
  field.form.addEventListener("submit", (event) => { event.preventDefault(); show(); list.querySelector("a")?.focus(); });
  window.addEventListener("hashchange", recall);
  recall();
  field.focus();
}
