// Shows what the stream tells. Whatever it tells is written by models and programs: it becomes text, never markup.

const MOST = 500; // events that are shown
const GROUPS = [
  ["Waits for you", ["waiting"]],
  ["At work", ["running", "tool"]],
  ["Needs a look", ["stalled", "failed", "interrupted"]],
  ["Idle", ["idle"]],
  ["Ended", ["ended"]],
];

const $ = (id) => document.getElementById(id);
const make = (kind, name, ...inside) => {
  const element = document.createElement(kind);
  if (name) element.className = name;
  element.append(...inside);
  return element;
};

// The token comes behind the # of the address, which no server is sent, and is kept as long as the tab.
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  sessionStorage.setItem("token", given);
  history.replaceState(null, "", location.pathname);
}
const token = sessionStorage.getItem("token");

const threads = new Map(); // by id: what it is doing
const events = new Map(); // by number: those of the selected thread, or of all
let selected = null;
let cursor = null; // from where to go on
let socket = null;
let wait = 250; // ms until the next attempt to connect

async function ask(path) {
  const answer = await fetch(path, { headers: { authorization: `Bearer ${token}` } });
  if (!answer.ok) throw Object.assign(new Error((await answer.json()).error), { status: answer.status });
  return answer.json();
}

function say(state, text) {
  document.documentElement.dataset.connection = state;
  $("connection").textContent = text;
}

async function connect() {
  if (!token) return say("refused", "no token: open the address that the program printed");
  try {
    if ((await ask("/api/health")).cursor && !cursor) await fill();
  } catch (error) {
    if (error.status === 401) return say("refused", "another token: open the address that the program printed");
    return later();
  }
  const address = `ws://${location.host}/api/stream`;
  socket = new WebSocket(address, ["codex-control-plane", `token.${token}`]);
  socket.onopen = () => socket.send(JSON.stringify({ after: cursor, subscribe: [{ thread: selected }], states: true }));
  socket.onmessage = (frame) => hear(JSON.parse(frame.data));
  socket.onclose = later;
}

function later() {
  socket = null;
  say("lost", "connecting…");
  setTimeout(connect, wait);
  wait = Math.min(wait * 2, 5000);
}

// The newest events of what is selected, and from where to go on.
async function fill() {
  const of = selected;
  const page = await ask(`/api/events?last=200${of ? `&thread=${encodeURIComponent(of)}` : ""}`);
  if (of !== selected) return;
  page.events.forEach(note);
  cursor ??= page.next;
}

function hear(message) {
  wait = 250;
  if (message.cursor) cursor = message.cursor;
  switch (message.type) {
    case "event": note(message); break;
    case "thread": threads.set(message.thread.thread_id, message.thread); break;
    case "threads":
      threads.clear();
      message.threads.forEach((thread) => threads.set(thread.thread_id, thread));
      break;
    case "reset": events.clear(); fill().catch(() => socket?.close()); break;
    case "at": say("live", "live"); break;
  }
  drawSoon();
}

function note({ cursor, record }) {
  if (selected && record.thread_id !== selected) return;
  events.set(Number(cursor.split("-")[1]), record);
  if (events.size > MOST) events.delete(Math.min(...events.keys()));
  drawSoon();
}

function select(id) {
  if (id === selected) return;
  const before = selected;
  selected = id;
  events.clear();
  if (socket?.readyState === WebSocket.OPEN) {
    socket.send(JSON.stringify({ unsubscribe: [before], subscribe: [{ thread: id }] }));
  }
  // What comes meanwhile comes twice, under one number.
  fill().catch(() => socket?.close());
  drawSoon();
}

let drawing = false;
function drawSoon() {
  if (drawing) return;
  drawing = true;
  // A hidden page is not drawn, and is not to pile up work.
  setTimeout(() => {
    drawing = false;
    drawThreads();
    drawFacts();
    drawEvents();
  }, 30);
}

function ago(time) {
  const seconds = Math.max(0, (Date.now() - Date.parse(time)) / 1000);
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

const title = (thread) => thread.last_prompt || `${thread.parent_id ? "Subagent" : "Thread"} ${thread.thread_id.slice(0, 8)}`;
const doing = (thread) => {
  if (thread.waiting_for) return thread.waiting_for.command ?? thread.waiting_for.tool ?? "";
  return thread.tools.map((tool) => tool.gist || tool.name).join(", ");
};

const buttons = new Map();
let order = "";
function drawThreads() {
  const list = [];
  const counts = [];
  for (const [name, statuses] of GROUPS) {
    const group = [...threads.values()].filter((thread) => statuses.includes(thread.status));
    if (group.length === 0) continue;
    // Who waits longest comes first; of the others who did something last.
    const by = statuses[0] === "waiting" ? (a, b) => Date.parse(a.since) - Date.parse(b.since) : (a, b) => Date.parse(b.last_seen) - Date.parse(a.last_seen);
    list.push(name, ...group.sort(by));
    counts.push(make("span", statuses[0], `${group.length} ${name.toLowerCase()}`));
  }
  $("counts").replaceChildren(...counts);
  const elements = list.map((one) => {
    if (typeof one === "string") return make("h2", "", one);
    const button = buttons.get(one.thread_id) ?? newButton(one.thread_id);
    const [name, status, where, what] = button.children;
    button.className = `thread is-${one.status}`;
    button.setAttribute("aria-pressed", String(one.thread_id === selected));
    name.textContent = title(one);
    status.textContent = `${one.status} · ${ago(one.since)}`;
    where.textContent = [one.cwd, one.tag && `tag ${one.tag}`].filter(Boolean).join(" · ");
    what.textContent = doing(one);
    return button;
  });
  $("all").setAttribute("aria-pressed", String(selected === null));
  // What is not moved keeps the focus.
  const now = list.map((one) => one.thread_id ?? one).join("\n");
  if (now !== order) $("threads").replaceChildren($("all"), ...elements);
  order = now;
  document.title = counts[0]?.className === "waiting" ? `(${counts[0].textContent.split(" ")[0]}) Codex threads` : "Codex threads";
  for (const id of buttons.keys()) if (!threads.has(id)) buttons.delete(id);
}

function newButton(id) {
  const parts = ["title", "status", "where", "doing"].map((name) => make("span", name));
  const button = make("button", "thread", ...parts);
  button.type = "button";
  button.dataset.thread = id;
  button.onclick = () => select(id);
  buttons.set(id, button);
  return button;
}

function drawFacts() {
  const thread = threads.get(selected);
  if (!thread) return $("facts").replaceChildren(make("p", "title", selected ? "A thread that has ended" : "All threads"));
  const facts = {
    status: `${thread.status}, ${ago(thread.since)}`, thread: thread.thread_id, "subagent of": thread.parent_id, folder: thread.cwd,
    model: thread.model, mode: thread.permission_mode, tag: thread.tag, turns: thread.turns, "tool calls": thread.tool_calls,
    approvals: thread.approvals,
  };
  const list = make("dl");
  for (const [name, value] of Object.entries(facts)) {
    if (value || value === 0) list.append(make("div", "", make("dt", "", name), make("dd", "", String(value))));
  }
  const parts = [make("p", "title", title(thread)), list];
  if (thread.waiting_for) {
    const { command, tool, reason } = thread.waiting_for;
    const ask = make("p", "ask", make("b", "", "Waits for an approval"), reason ? `: ${reason}` : "", make("code", "", command ?? tool ?? ""));
    parts.splice(1, 0, ask);
  }
  if (thread.last_answer) parts.push(make("p", "answer", thread.last_answer));
  $("facts").replaceChildren(...parts);
}

function gist({ event, payload }) {
  const input = payload.tool_input;
  const command = input?.command ?? input?.cmd ?? (input && JSON.stringify(input));
  const text = {
    UserPromptSubmit: payload.prompt, Stop: payload.last_assistant_message, SubagentStop: payload.last_assistant_message,
    SessionStart: payload.source, SessionEnd: payload.reason, PreCompact: payload.trigger, PostCompact: payload.trigger,
  }[event] ?? (payload.tool_name ? `${payload.tool_name}: ${Array.isArray(command) ? command.join(" ") : command}` : "");
  return String(text ?? "").slice(0, 300);
}

const rows = new WeakMap(); // by record
function drawEvents() {
  const list = [...events.keys()].sort((a, b) => b - a).map((number) => {
    const record = events.get(number);
    if (!rows.has(record)) rows.set(record, newRow(number, record));
    return rows.get(record);
  });
  const shown = $("events").children;
  if (list.length !== shown.length || list.some((row, place) => row !== shown[place])) $("events").replaceChildren(...list);
}

function newRow(number, record) {
  const time = make("time", "", new Date(record.captured_at).toLocaleTimeString([], { hour12: false }));
  time.dateTime = record.captured_at;
  // A name of our own making only: a class is how it is coloured.
  const name = make("span", "name", record.event);
  if (/^[A-Za-z]+$/.test(record.event)) name.classList.add(record.event);
  const of = make("span", "of", selected ? "" : (record.thread_id ?? "").slice(-6));
  const details = make("details", "", make("summary", "", time, name, make("span", "gist", gist(record)), of));
  details.ontoggle = () => {
    if (details.open && !details.querySelector("pre")) details.append(make("pre", "", JSON.stringify(record, null, 2)));
  };
  const row = make("li", "", details);
  row.dataset.number = number;
  return row;
}

$("all").onclick = () => select(null);
setInterval(drawSoon, 1000);
say("lost", "connecting…");
connect();
