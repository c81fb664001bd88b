// The rail's menus and the plain forms; pages that NiceGUI draws share the rail.
const cookie = (name) =>
  document.cookie.split("; ").find((part) => part.startsWith(name + "="))?.slice(name.length + 1);

async function post(url, body) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  const token = cookie("heddle_csrf");
  if (token) headers["X-CSRF-Token"] = decodeURIComponent(token);
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body ?? {}) });
}

// What was opened before keeps its session on the server: it must not stay in other tabs.
const doors = new BroadcastChannel("heddle-session");
doors.addEventListener("message", () => {
  const { pathname, search } = window.location;
  if (document.querySelector("[data-sign-out]")) {
    window.location.assign(`/login?next=${encodeURIComponent(pathname + search)}`);
  }
});

function markTheme() {
  const choice = document.documentElement.dataset.themeChoice;
  for (const button of document.querySelectorAll("button[data-theme-choice]")) {
    button.setAttribute("aria-checked", String(button.dataset.themeChoice === choice));
  }
}

document.addEventListener("click", async (event) => {
  const theme = event.target.closest("button[data-theme-choice]");
  if (theme) {
    window.heddleTheme.choose(theme.dataset.themeChoice);
    markTheme();
  }
  const signOut = event.target.closest("[data-sign-out]");
  if (signOut) {
    signOut.disabled = true;
    try {
      await post("/api/v1/auth/logout");
      doors.postMessage("signed out");
      sessionStorage.removeItem(OPEN_KEY);
    } finally {
      window.location.assign("/login");
    }
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard.writeText(copy.parentElement.querySelector("pre").innerText);
    copy.dataset.copied = "true";
    setTimeout(() => delete copy.dataset.copied, 1500);
  }
});

// NiceGUI tells of a connection that breaks; one that never came about is told of here.
function tellLostConnection() {
  const popup = document.getElementById("popup");
  if (!popup) return;
  if (!window.socket) {
    setTimeout(tellLostConnection, 50);
    return;
  }
  for (const sign of ["error", "close", "reconnect_attempt"]) {
    window.socket.io.on(sign, () => (popup.ariaHidden = false));
  }
}
tellLostConnection();

// A menu opened by keyboard is walked by the arrow keys.
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".menu, .q-menu");
  if (!menu || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  const items = [...menu.querySelectorAll("a, button, .q-item:not(.disabled)")];
  const at = items.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: Math.max(at, 0) - 1 + items.length, Home: 0, End: -1 + items.length };
  items[next[event.key] % items.length].focus();
  event.preventDefault();
});

function sameOriginPath(target) {
  // "//host" and "/\host" leave the origin although they begin with a slash
  if (!target || !/^\/(?![/\\])/.test(target)) return "/";
  const url = new URL(target, window.location.origin);
  return url.origin === window.location.origin ? url.pathname + url.search + url.hash : "/";
}

function say(form, message) {
  const box = form.querySelector("[role=alert]");
  box.textContent = message;
  box.hidden = !message;
}

function fieldError(form, name, message) {
  const input = form.elements[name];
  const note = input && form.querySelector(`#${name}-error`);
  if (!note) return false;
  note.textContent = message;
  note.hidden = !message;
  input.setAttribute("aria-invalid", String(Boolean(message)));
  return true;
}

function explain(form, problem, response) {
  let shown = false;
  for (const error of problem.errors ?? []) {
    shown = fieldError(form, error.pointer.split("/").pop(), error.detail) || shown;
  }
  if (shown) {
    form.querySelector("[aria-invalid=true]").focus();
    return;
  }
  if (response.status === 429) {
    const wait = Number(response.headers.get("Retry-After") ?? 60);
    say(form, `Too many attempts. Try again in ${wait} seconds.`);
  } else if (response.status === 401) {
    say(form, "That user name and password do not match.");
  } else {
    say(form, problem.detail || problem.title || "Something went wrong. Try again.");
  }
  form.elements.password?.select();
}

function passwordRules(form) {
  const input = form.elements.password;
  const rules = form.querySelector("[data-rules]");
  const user = form.elements.username;
  const check = () => {
    const value = input.value;
    const met = {
      length: [...value].length >= Number(rules.dataset.minimum),
      name: value.length > 0 && value.toLowerCase() !== user.value.trim().toLowerCase(),
    };
    for (const item of rules.children) item.dataset.met = String(Boolean(met[item.dataset.rule]));
    return Object.values(met).every(Boolean);
  };
  input.addEventListener("input", check);
  user.addEventListener("input", check);
  return check;
}

for (const form of document.querySelectorAll("form[data-auth]")) {
  const rules = form.querySelector("[data-rules]") ? passwordRules(form) : () => true;
  const hint = form.querySelector("[data-caps]");
  form.addEventListener("keyup", (event) => {
    if (event.getModifierState) hint.hidden = !event.getModifierState("CapsLock");
  });
  for (const eye of form.querySelectorAll("[data-reveal]")) {
    eye.addEventListener("click", () => {
      const input = form.elements[eye.dataset.reveal];
      const shown = input.type === "text";
      input.type = shown ? "password" : "text";
      eye.setAttribute("aria-pressed", String(!shown));
      eye.querySelector("i").textContent = shown ? "visibility" : "visibility_off";
    });
  }
  form.addEventListener("input", (event) => fieldError(form, event.target.name, ""));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    say(form, "");
    const data = Object.fromEntries(new FormData(form));
    const missing = ["username", "password"].filter((name) => !data[name]);
    for (const name of missing) {
      fieldError(form, name, name === "username" ? "Enter a user name." : "Enter a password.");
    }
    if (missing.length) {
      form.elements[missing[0]].focus();
      return;
    }
    if (!rules()) {
      fieldError(form, "password", "The password does not meet the rules below.");
      form.elements.password.focus();
      return;
    }
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    try {
      const { username, password } = data;
      const response = await post(form.dataset.auth, { username: username.trim(), password });
      if (response.ok) {
        window.location.assign(sameOriginPath(form.dataset.next));
        return;
      }
      explain(form, await response.json().catch(() => ({})), response);
    } catch {
      say(form, "The server cannot be reached. Check the connection and try again.");
    }
    button.disabled = false;
  });
}

// One's own password: the session goes on with new cookies, so the page is opened anew.
const passwordDialog = document.querySelector("#password-dialog");
if (passwordDialog) {
  const form = passwordDialog.querySelector("form");
  document.querySelector("[data-change-password]").addEventListener("click", () => {
    document.querySelector("#account-menu").hidePopover();
    form.reset();
    say(form, "");
    for (const name of ["current_password", "new_password"]) fieldError(form, name, "");
    passwordDialog.showModal();
  });
  form.querySelector("[data-close]").addEventListener("click", () => passwordDialog.close());
  form.addEventListener("input", (event) => fieldError(form, event.target.name, ""));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    say(form, "");
    const { current_password, new_password } = Object.fromEntries(new FormData(form));
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    try {
      const response = await post("/api/v1/auth/password", { current_password, new_password });
      if (response.ok || response.status === 401) {
        window.location.reload();
        return;
      }
      explain(form, await response.json().catch(() => ({})), response);
    } catch {
      say(form, "The server cannot be reached. Check the connection and try again.");
    }
    button.disabled = false;
  });
}

markTheme();

// ---- times: the server writes UTC, the reader lives somewhere else ---------------------------

const UNITS = [[60, "min", 60], [3600, "h", 24], [86400, "d", 30], [2592000, "mo", 12]];

function agoText(seconds) {
  if (seconds < 60) return "just now";
  for (const [size, name, many] of UNITS) {
    if (seconds / size < many) return `${Math.floor(seconds / size)} ${name} ago`;
  }
  return null;
}

function untilText(seconds) {
  if (seconds <= 0) return "overdue";
  if (seconds < 60) return "in less than a minute";
  for (const [size, name, many] of UNITS) {
    if (seconds / size < many) return `in ${Math.floor(seconds / size)} ${name}`;
  }
  return null;
}

const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const short = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit",
});

function tellTimes() {
  for (const time of document.querySelectorAll("time[data-ago], time[data-at], time[data-until]")) {
    const moment = new Date(time.dateTime);
    const seconds = (Date.now() - moment) / 1000;
    const words = "ago" in time.dataset ? agoText(Math.max(0, seconds))
      : "until" in time.dataset ? untilText(-seconds) : null;
    const text = words ?? short.format(moment);
    if (time.textContent !== text) time.textContent = text;
    if (!time.title) time.title = full.format(moment);
  }
}

let telling = false;
new MutationObserver(() => {
  if (telling) return;
  telling = true;
  requestAnimationFrame(() => {
    telling = false;
    tellTimes();
  });
}).observe(document.body, { childList: true, subtree: true });
setInterval(tellTimes, 20000);
tellTimes();

// ---- how many questions are open for me: on the rail, on every page ---------------------------

const OPEN_EVERY_MS = 4000;
const OPEN_KEY = "heddle-open-approvals";
const openBadge = document.querySelector("[data-open-approvals]");

function showOpen(count) {
  // drawn by the style sheet: the label says it in words
  openBadge.dataset.letter = count > 99 ? "99+" : String(count);
  openBadge.hidden = !count;
  const link = openBadge.closest("a");
  link.setAttribute("aria-label", count ? `Approvals, ${count} open for you` : "Approvals");
}

async function countOpen() {
  if (document.hidden) return;
  try {
    const response = await fetch("/api/v1/approvals/stats", { headers: { Accept: "application/json" } });
    if (!response.ok) return;
    const { mine } = await response.json();
    sessionStorage.setItem(OPEN_KEY, String(mine));
    showOpen(mine);
  } catch {
    // the server is away: the next round may find it
  }
}

if (openBadge) {
  // what was last known, so that the badge does not blink from page to page
  showOpen(Number(sessionStorage.getItem(OPEN_KEY) ?? 0));
  window.heddleCountOpen = countOpen;
  document.addEventListener("visibilitychange", countOpen);
  setInterval(countOpen, OPEN_EVERY_MS);
  countOpen();
}

// ---- a file dropped on the list becomes a workflow --------------------------------------------

const notify = (message, type = "negative") =>
  window.Quasar.Notify.create({ message, type, position: "bottom", timeout: 8000, multiLine: true });

async function importFile(file) {
  const yaml = /\.ya?ml$/i.test(file.name);
  const headers = { "Content-Type": yaml ? "application/yaml" : "application/json" };
  const token = cookie("heddle_csrf");
  if (token) headers["X-CSRF-Token"] = decodeURIComponent(token);
  const response = await fetch("/api/v1/workflows/import", { method: "POST", headers, body: file });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail || `The server answered ${response.status}.`);
  return answer;
}

async function importFiles(files) {
  const wanted = files.filter((file) => /\.(json|ya?ml)$/i.test(file.name));
  if (!wanted.length) return notify("Only JSON and YAML files can be imported.");
  const made = [];
  for (const file of wanted) {
    try {
      made.push(await importFile(file));
    } catch (error) {
      const lost = error instanceof TypeError;
      notify(`${file.name}: ${lost ? "The server cannot be reached." : error.message}`);
    }
  }
  // With a failure the page stays, else its message would go with it.
  if (made.length < wanted.length) tellImported(made);
  else if (made.length === 1) window.location.assign(`/workflows/${made[0].id}`);
  else window.location.assign("/");
}

function tellImported(made) {
  if (!made.length) return;
  const names = made.map(({ name }) => `“${name}”`).join(", ");
  const open = () => window.location.assign(made.length === 1 ? `/workflows/${made[0].id}` : "/");
  window.Quasar.Notify.create({
    message: `Imported ${names}.`, type: "positive", position: "bottom", timeout: 0, multiLine: true,
    actions: [{ label: "Show", color: "white", handler: open }, { icon: "close", color: "white", "aria-label": "Dismiss" }],
  });
}

window.heddleDropImport = () => {
  let depth = 0;
  const veil = Object.assign(document.createElement("div"), {
    className: "drop-target",
    textContent: "Drop to import the workflow",
    hidden: true,
  });
  document.body.append(veil);
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const show = (by) => {
    depth = Math.max(0, depth + by);
    veil.hidden = depth === 0;
  };
  document.addEventListener("dragenter", (event) => carriesFiles(event) && show(1));
  document.addEventListener("dragleave", (event) => carriesFiles(event) && show(-1));
  document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    show(-depth);
    importFiles([...event.dataTransfer.files]);
  });
};

window.heddleChooseImport = () => {
  const input = Object.assign(document.createElement("input"), {
    type: "file", accept: ".json,.yaml,.yml", multiple: true,
  });
  input.addEventListener("change", () => importFiles([...input.files]));
  input.click();
};
