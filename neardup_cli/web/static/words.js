// Numbers and names for people.

const UNITS = ["B", "KB", "MB", "GB", "TB", "PB"];

export function bytes(size) {
  let value = size;
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit ? `${value.toFixed(1)} ${UNITS[unit]}` : `${size} B`;
}

// What goes away without a loss, and apart from it what has to be looked at or proven first.
export function saving(certain, doubtful) {
  if (!certain && doubtful) return `${bytes(doubtful)} to look at`;
  return `${bytes(certain)} to free${doubtful ? `, ${bytes(doubtful)} to look at` : ""}`;
}

export const number = (value) => value.toLocaleString("en");

export const count = (value, noun, plural = `${noun}s`) => `${number(value)} ${value === 1 ? noun : plural}`;

// A path that is not UTF-8 comes as a file: URI.
export function readable(path) {
  const raw = path.startsWith("file://") ? decodeURILoosely(path.slice(7)) : path;
  return raw.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\ufffd");
}

function decodeURILoosely(text) {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}

export const nameOf = (path) => readable(path).replace(/^.*\//s, "");

export const folderOf = (path) => readable(path).replace(/\/[^/]*$/s, "") || "/";

// The part of a folder below the root that holds it: what tells two members apart.
export function shortFolder(path, roots) {
  const folder = folderOf(path);
  const root = roots.find((one) => folder === one || folder.startsWith(`${one}/`));
  return root === undefined ? folder : folder.slice(root.length + 1) || nameOf(root);
}

// As `neardup_cli/rules/words.py` says it.
export function lost(member) {
  if (!member.losses) return "not proven";
  return member.losses.length ? `loses ${member.losses.join(", ")}` : "loses nothing";
}

const KINDS = {
  exact: "same bytes",
  "same-pixels": "same pixels",
  "similar-shot": "another shot",
  embedded: "inside another",
  overlay: "something added",
  cropped: "cut",
  mirrored: "mirrored",
  rotated: "turned",
  colour: "recoloured",
  resized: "resized",
  "re-encoded": "encoded again",
  unknown: "alike",
};

export const kindName = (kind) => KINDS[kind] ?? kind;

export const kindNames = (kinds) => kinds.map(kindName).join(", ");

export function when(text) {
  return text ? text.replace("T", " ").replace(/(:\d\d)(\.\d+)?(Z?)$/, "$1").replace(/Z$/, " UTC") : "";
}

// Cut off, not rounded, as the server's sentences have it: 1.00 is said of nothing less.
export const similarity = (value) => (Math.trunc(value * 100 + 1e-6) / 100).toFixed(2);

export const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
