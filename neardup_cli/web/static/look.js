// "Do I have this picture already?"

import { api, preview } from "./api.js";
import { $, make } from "./dom.js";
import { clipped } from "./maps.js";
import { bytes, count, folderOf, nameOf, readable, sentence, similarity } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

export class Look {
  constructor(goto) {
    this.goto = goto;
    this.shown = null;
    $("file").addEventListener("change", (event) => this.look(event.target.files[0]));
    addEventListener("paste", (event) => this.#offered(event.clipboardData, event));
    addEventListener("dragover", (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      $("over").hidden = false;
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) $("over").hidden = true;
    });
    addEventListener("drop", (event) => {
      $("over").hidden = true;
      this.#offered(event.dataTransfer, event);
    });
  }

  #offered(transfer, event) {
    const [file] = transfer?.files ?? [];
    if (!file) return;
    event.preventDefault();
    this.goto("#/look");
    this.look(file);
  }

  async look(file) {
    if (!file) return;
    const form = new FormData();
    form.append("file", file);
    form.append("top_k", "12");
    form.append("explain", "true");
    const answer = $("answer");
    answer.replaceChildren(make("p", { class: "dim" }, `Looking for ${file.name} …`));
    if (this.shown) URL.revokeObjectURL(this.shown);
    this.shown = URL.createObjectURL(file);
    try {
      const found = await api.detect(form);
      answer.replaceChildren(...this.#answer(file, found));
    } catch (error) {
      answer.replaceChildren(make("p", { class: "verdict" }, `${file.name} cannot be looked up`), make("p", {}, sentence(error.message)));
    }
    $("file").value = "";
  }

  #answer(file, found) {
    const matches = [...found.sieve_matches, ...found.verifier_matches];
    const parts = [
      make(
        "p",
        { class: found.is_duplicate ? "verdict yes" : "verdict" },
        verdict(found, matches),
      ),
    ];
    if (found.match) {
      const { explanation } = found;
      parts.push(make("p", {}, explanation?.is_duplicate ? explanation.sentence : found.match.reason));
      parts.push(this.#pair(file, found.match, explanation));
      parts.push(make("h2", {}, "Copies"), this.#rows(matches));
    }
    if (found.neighbours.length) {
      const heading = found.cannot_tell ? "Most alike; some cannot be looked at now" : "Most alike, but no copies";
      parts.push(make("h2", {}, heading), this.#rows(found.neighbours));
    }
    return parts;
  }

  #pair(file, match, explanation) {
    const outline = explanation?.outline ?? [];
    const theirs = make("div", { class: "shown" }, make("img", { src: preview(match, 1280), alt: `The match: ${nameOf(match.path)}` }));
    if (outline.length === 4 && !explanation.same_bytes) theirs.append(polygon(outline));
    const mine = make("img", { src: this.shown, alt: `Your picture: ${file.name}` });
    mine.addEventListener("error", () => mine.replaceWith(make("p", { class: "unshown" }, "This browser cannot show such a file.")));
    return make(
      "div",
      { class: "pair" },
      make("figure", {}, make("div", { class: "shown" }, mine), make("figcaption", {}, `${file.name}, ${bytes(file.size)}`)),
      make("figure", {}, theirs, make("figcaption", {}, `${readable(match.path)}, ${bytes(match.bytes)}, ${match.width} × ${match.height}`)),
    );
  }

  #rows(matches) {
    return make(
      "div",
      { class: "rows" },
      ...matches.map((match) =>
        make(
          "div",
          { class: "row" },
          make("img", { src: preview(match), alt: "", loading: "lazy" }),
          make("div", { class: "path" }, nameOf(match.path), make("small", {}, folderOf(match.path)), make("small", {}, match.reason)),
          make(
            "div",
            { class: "score" },
            make("span", { class: match.is_match ? "yes" : "" }, word(match)),
            match.similarity === null ? null : make("small", {}, `${similarity(match.similarity)} alike`),
          ),
        ),
      ),
    );
  }
}

function verdict(found, matches) {
  if (found.is_duplicate) return `Yes: you have it, ${count(matches.length, "time")}.`;
  return found.cannot_tell ? "Nobody can tell now: images that resemble it are away." : "No: this one is new.";
}

function word(match) {
  if (match.is_match) return "copy";
  return match.cannot_tell ? "unknown" : "no copy";
}

// Where the upload lies in the match; the map may go beyond its edges.
function polygon(outline) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 1 1");
  svg.setAttribute("preserveAspectRatio", "none");
  const shape = document.createElementNS(SVG, "polygon");
  shape.setAttribute("points", clipped(outline).map((point) => point.join(",")).join(" "));
  svg.append(shape);
  return svg;
}
