// Draws the figures of a page: the static picture is there first, the one to explore takes its place when it comes into sight.
"use strict";
{
  const SINGLE = 84 * 96 / 25.4;
  const packed = new URL("plotly.packed.js", document.currentScript.src).href;
  const figures = [...document.querySelectorAll("figure.plot")];
  let library = null;

  const run = (address) =>
    new Promise((resolve, reject) => {
      const element = document.createElement("script");
      element.src = address;
      element.addEventListener("load", resolve);
      element.addEventListener("error", () => reject(new Error(`${address} could not be loaded`)));
      document.head.append(element);
    });

  // plotly.js comes compressed inside a script: a page that is opened from a disk can load scripts, but no data
  const unpack = async () => {
    await run(packed);
    const bytes = Uint8Array.from(atob(window.plotlyPacked), (sign) => sign.charCodeAt(0));
    delete window.plotlyPacked;
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const code = new Blob([await new Response(plain).arrayBuffer()], { type: "text/javascript" });
    const address = URL.createObjectURL(code);
    await run(address);
    URL.revokeObjectURL(address);
    return window.Plotly;
  };

  const load = () => (library ??= unpack());

  const room = (figure) => figure.getBoundingClientRect().width;

  const draw = async (figure) => {
    const drawn = JSON.parse(figure.querySelector("script.drawing").textContent);
    const wide = drawn.wide.layout.width ?? 0;
    const which = drawn.narrow && room(figure) < wide + 12 ? "narrow" : "wide";
    if (figure.dataset.drawn === which) return;
    figure.dataset.drawn = which;
    let Plotly;
    try {
      Plotly = await load();
    } catch (error) {
      figure.dataset.drawn = "failed";
      console.warn(`figures stay as they are: ${error.message}`);
      return;
    }
    const { data, layout } = drawn[which];
    const paper = figure.querySelector(".paper");
    const live = paper.querySelector(".live");
    const look = { ...layout, template: layout.template ?? drawn.wide.layout.template };
    if (which === "narrow") look.width ??= SINGLE;
    live.hidden = false;
    try {
      await Plotly.react(live, data, look, { displayModeBar: false, responsive: false, showTips: false, scrollZoom: false });
    } catch (error) {
      live.hidden = true;
      figure.dataset.drawn = "failed";
      console.warn(`a figure could not be drawn: ${error.message}`);
      return;
    }
    paper.querySelector(".still").hidden = true;
  };

  const watch = () => {
    const seen = new Set();
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting || seen.has(entry.target)) continue;
        seen.add(entry.target);
        draw(entry.target);
      }
    }, { rootMargin: "400px" });
    figures.forEach((figure) => observer.observe(figure));
    let waiting = 0;
    window.addEventListener("resize", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => seen.forEach(draw), 200);
    });
  };
  if (document.readyState === "complete") watch();
  else window.addEventListener("load", watch);
}
