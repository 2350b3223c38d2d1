// Draws each element with a data-spec from the Vega-Lite specification at that address, in the colours of the page.
const scheme = window.matchMedia("(prefers-color-scheme: dark)");

function pageColours() {
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--ink").trim();
  const quiet = style.getPropertyValue("--quiet").trim();
  const line = style.getPropertyValue("--line").trim();
  return {
    background: "transparent",
    font: style.getPropertyValue("--font").trim(),
    text: { color: ink },
    style: { halo: { stroke: style.getPropertyValue("--ground").trim(), strokeWidth: 4, strokeOpacity: 0.75, strokeJoin: "round" } },
    axis: { labelColor: quiet, titleColor: quiet, gridColor: line, titleFontWeight: "normal", labelFontSize: 12, titleFontSize: 12 },
    legend: { labelColor: ink, labelFontSize: 12 },
  };
}

function sentence(text) {
  const paragraph = document.createElement("p");
  paragraph.className = "quiet";
  paragraph.textContent = text;
  return paragraph;
}

// Instead of a figure.
function say(place, text) {
  place.classList.add("says");
  place.replaceChildren(sentence(text));
}

// On a phone a legend has one column: more would stand beyond the edge.
function narrowLegends(part) {
  if (part === null || typeof part !== "object") return;
  if (part.legend && part.legend.columns) part.legend.columns = 1;
  Object.entries(part).forEach(([name, inner]) => name !== "data" && narrowLegends(inner));
}

async function draw(place) {
  try {
    const response = await fetch(place.dataset.spec);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    const spec = await response.json();
    const words = spec.usermeta || {};
    if (words.nothing) {
      say(place, words.nothing);
      return;
    }
    if (place.clientWidth < 560) narrowLegends(spec);
    await window.vegaEmbed(place, spec, { ast: true, actions: false, renderer: "svg", config: pageColours() });
    if (words.note) {
      place.append(sentence(words.note));
    }
  } catch (error) {
    say(place, `The figure could not be drawn (${error.message}). The tables below hold its numbers.`);
  }
}

function drawAll() {
  document.querySelectorAll("[data-spec]").forEach(draw);
}

scheme.addEventListener("change", drawAll);
drawAll();
