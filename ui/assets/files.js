// Uploads of the page Files: dropped or chosen, one after the other, each with its progress.
const cookie = (name) =>
  document.cookie.split("; ").find((part) => part.startsWith(name + "="))?.slice(name.length + 1);

let queue = Promise.resolve();

function send(file, target, line) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", target + encodeURIComponent(file.name));
    const token = cookie("heddle_csrf");
    if (token) request.setRequestHeader("X-CSRF-Token", decodeURIComponent(token));
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) line.bar.value = event.loaded / event.total;
    });
    line.stop.addEventListener("click", () => request.abort());
    request.addEventListener("load", () => {
      if (request.status < 300) return resolve();
      let detail = "";
      try {
        detail = JSON.parse(request.responseText).detail;
      } catch {
        // an answer of something between here and the server
      }
      reject(new Error(detail || `The server answered ${request.status}.`));
    });
    request.addEventListener("error", () => reject(new Error("The server cannot be reached.")));
    request.addEventListener("abort", () => reject(new Error("Stopped.")));
    request.send(file);
  });
}

function lineOf(file, list) {
  const line = document.createElement("li");
  const name = Object.assign(document.createElement("span"), { className: "ellipsis", textContent: file.name });
  const bar = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
  bar.setAttribute("aria-label", `Upload of ${file.name}`);
  const stop = Object.assign(document.createElement("button"), { type: "button", textContent: "Stop" });
  line.append(name, bar, stop);
  list.append(line);
  return { line, bar, stop };
}

function upload(files, zone) {
  const target = zone.dataset.upload;
  const list = zone.querySelector(".uploads");
  for (const file of files) {
    const line = lineOf(file, list);
    let stopped = false;
    line.stop.addEventListener("click", () => (stopped = true));
    queue = queue.then(async () => {
      try {
        if (stopped) throw new Error("Stopped.");
        await send(file, target, line);
        line.line.remove();
      } catch (error) {
        line.bar.remove();
        line.stop.remove();
        line.line.classList.add("failed");
        line.line.append(error.message);
      }
    });
  }
  // the list is drawn anew by the server, and lines that tell of a failure should stay
  queue = queue.then(() => {
    if (!list.querySelector(".failed")) zone.dispatchEvent(new CustomEvent("uploaded"));
    else setTimeout(() => zone.dispatchEvent(new CustomEvent("uploaded")), 6000);
  });
}

const zoneOf = () => document.querySelector("[data-upload]");
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
let depth = 0;

function mark(by) {
  depth = Math.max(0, depth + by);
  zoneOf()?.classList.toggle("over", depth > 0);
}

document.addEventListener("dragenter", (event) => carriesFiles(event) && mark(1));
document.addEventListener("dragleave", (event) => carriesFiles(event) && mark(-1));
document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
document.addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  mark(-depth);
  const zone = zoneOf();
  // folders have neither a type nor bytes
  const files = [...event.dataTransfer.files].filter((file) => file.size || file.type);
  if (zone) upload(files.length ? files : [...event.dataTransfer.files], zone);
});
document.addEventListener("change", (event) => {
  const zone = event.target.closest("[data-upload]");
  if (zone && event.target.matches("input[type=file]")) {
    upload([...event.target.files], zone);
    event.target.value = "";
  }
});
