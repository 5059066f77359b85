// On every page: the search field in the header leads to the page with the results, also from a disk.
"use strict";
{
  const form = document.querySelector("form.find");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const words = form.elements.q.value.trim();
    const target = new URL(form.getAttribute("action"), location.href);
    target.hash = "q=" + encodeURIComponent(words);
    const here = target.pathname === location.pathname;
    location.assign(target.href);
    if (here) document.getElementById("query")?.focus();
  });

  // What a link within the page names may be folded.
  const unfold = () => {
    const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!named) return;
    for (let part = named; part; part = part.parentElement) if (part instanceof HTMLDetailsElement) part.open = true;
  };
  window.addEventListener("hashchange", unfold);
  unfold();
}
