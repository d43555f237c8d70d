// The REST API, and what the page keeps of it.

export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function call(method, path, body) {
  const options = { method, headers: {} };
  if (body instanceof FormData) options.body = body;
  else if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new ApiError(0, "offline", "The server does not answer: is `neardup serve` still running?");
  }
  if (answer.status === 401) location.reload(); // to where one signs in
  if (answer.status === 204) return null;
  const document = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiError(answer.status, document.error, document.message || answer.statusText);
  return document;
}

const query = (values) =>
  new URLSearchParams(Object.entries(values).filter(([, value]) => value !== "" && value != null)).toString();

export const api = {
  stats: () => call("GET", "/api/stats"),
  progress: () => call("GET", "/api/progress"),
  groups: (filter, offset, limit) => call("GET", `/api/groups?${query({ ...filter, offset, limit })}`),
  group: (id) => call("GET", `/api/groups/${id}`),
  compare: (a, b) => call("GET", `/api/compare?${query({ a, b })}`),
  detect: (form) => call("POST", "/api/detect", form),
  decide: (decision) => call("POST", "/api/decisions", decision),
  undecide: (id) => call("DELETE", `/api/decisions/${id}`),
  scan: () => call("POST", "/api/scan", { paths: [] }),
  scanned: () => call("GET", "/api/scan"),
  stopScan: () => call("DELETE", "/api/scan"),
  rules: () => call("GET", "/api/rules"),
  planning: () => call("GET", "/api/plan"),
  stopPlanning: () => call("DELETE", "/api/plan"),
  plan: (wanted) => call("POST", "/api/plan", wanted),
  planned: (digest, offset, limit) => call("GET", `/api/plan/${digest}?${query({ offset, limit })}`),
  apply: (plan) => call("POST", "/api/apply", { plan }),
  batches: () => call("GET", "/api/batches"),
  undo: (batch) => call("POST", "/api/undo", { batch }),
};

// Named by content, a preview never changes, and the browser need not ask again.
export const preview = (member, side = 320) =>
  `/preview?${query({ path: member.path, side, content: member.content?.slice(0, 24) })}`;
