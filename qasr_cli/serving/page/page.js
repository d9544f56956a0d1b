// The page's program: files go up, jobs are followed, subtitles come back.
//
// It talks to its own server only. What the server says is shown as text and never as HTML. The key and the
// running jobs' ids are kept in the tab's own storage and nowhere else.

const WORDS = {
  en: {
    ready: "Ready", loading: "The model is being loaded", draining: "The server is about to end",
    failed_server: "The server has failed", unreachable: "The server does not answer",
    start_one: "Transcribe 1 file", start_many: "Transcribe {n} files", remove: "Remove", remove_file: "Remove {name}",
    waiting: "Waiting for the upload", busy: "The server is full; next try in {s} s", uploading: "Uploading",
    queued: "Waiting for its turn", decoding: "Reading the audio", recognizing: "Recognizing",
    done: "Done", failed: "Failed", cancelled: "Cancelled", left: "{time} left",
    reconnecting: "Connection lost; trying again", lost: "the connection was lost during the upload",
    too_large: "the file has {size}; this server takes at most {most} (--max-upload)",
    nothing: "No speech was found", cues: "{n} cues", cue: "1 cue", notes: "{n} notes", note: "1 note",
    forgotten: "the server has no such job any more; send the file again", download: "Download {name}",
    key_wrong: "The server does not know this key",
    text: "Text", qasr_json: "JSON", srt: "SRT", vtt: "WebVTT", tsv: "TSV",
  },
  ko: {
    tagline: "영상과 녹음을 자막으로", drop: "영상이나 녹음 파일을 여기에 놓으세요", choose: "또는 파일 선택",
    language: "말하는 언어", detect: "자동 감지", format: "형식", profile: "자막 스타일",
    more: "나올 이름과 용어", hotwords: "한 줄에 하나씩, 또는 쉼표로 구분", start: "자막 만들기", jobs: "녹음",
    key_wrong: "서버가 모르는 키입니다",
    key_title: "이 서버에는 키가 필요합니다", key: "키", key_hint: "이 탭을 닫을 때까지만 보관합니다.",
    cancel: "취소", use_key: "키 사용", attach: "재생하려면 파일을 다시 선택하세요", again: "다시 시도",
    unplayable: "이 브라우저는 파일을 재생하지 못하지만 자막은 완성되었습니다.",
    ready: "준비됨", loading: "모델을 불러오는 중", draining: "서버가 곧 종료됩니다",
    failed_server: "서버에 오류가 났습니다", unreachable: "서버가 응답하지 않습니다",
    start_one: "파일 1개 자막 만들기", start_many: "파일 {n}개 자막 만들기", remove: "지우기", remove_file: "{name} 빼기",
    waiting: "업로드 대기 중", busy: "서버가 꽉 찼습니다. {s}초 뒤 다시 시도합니다", uploading: "업로드 중",
    queued: "차례를 기다리는 중", decoding: "오디오를 읽는 중", recognizing: "받아쓰는 중",
    done: "완료", failed: "실패", cancelled: "취소됨", left: "{time} 남음",
    reconnecting: "연결이 끊겨 다시 시도합니다", lost: "업로드 중에 연결이 끊겼습니다",
    too_large: "파일 크기가 {size}입니다. 이 서버는 최대 {most}까지 받습니다 (--max-upload)",
    nothing: "말소리를 찾지 못했습니다", cues: "자막 {n}개", cue: "자막 1개", notes: "참고 사항 {n}개", note: "참고 사항 1개",
    forgotten: "서버에 이 작업이 더 이상 없습니다. 파일을 다시 보내세요", download: "{name} 내려받기",
    text: "텍스트", qasr_json: "JSON", srt: "SRT", vtt: "WebVTT", tsv: "TSV",
    profiles: {
      "netflix-sdh": "넷플릭스, 말하는 언어 그대로의 자막", netflix: "넷플릭스, 번역 자막: 더 느리게",
      bbc: "BBC: 37자, 분당 160~180단어", ted: "TED와 IWSLT: 초당 21자", arte: "ARTE: 40자, 200 ms 간격",
      shorts: "짧은 세로 영상: 24자, 빠르게, 간격 없이", children: "넷플릭스 어린이용: 초당 3자 더 느리게",
      verbatim: "아무리 빨라도 말한 그대로",
    },
  },
};
const FINAL = new Set(["done", "failed", "cancelled"]);
const SILENCE_S = 45; // a server comments every 15 s; a connection that says less is dead
const MAX_STREAMS = 3; // a browser opens six connections to a server, and uploads need some
const KEY = "qasr.key", JOBS = "qasr.jobs";

const locale = (navigator.languages ?? [navigator.language]).find((tag) => /^(en|ko)\b/i.test(tag)) ?? "en";
const words = WORDS[locale.slice(0, 2).toLowerCase()];
const byId = (id) => document.getElementById(id);
const t = (key, values = {}) => (words[key] ?? WORDS.en[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name]);
const say = (text) => { byId("news").textContent = text; };

let server = { max_upload_bytes: Infinity, formats: [], refusal: null };
let chosen = []; // files that are not sent yet
const cards = [];

// ── requests ───────────────────────────────────────────────────────────────────────────────────────────────

class Refused extends Error {
  constructor(message, status, retryAfter = 0) {
    super(message);
    this.status = status; // 0: no answer
    this.retryAfter = retryAfter;
  }
}

const pause = (seconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, seconds * 1000);
  signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
});

function refusal(status, text, header) {
  let message = `${status}`;
  try {
    message = JSON.parse(text).error.message ?? message;
  } catch { /* a proxy's answer, which is not shown */ }
  return new Refused(message, status, Number(header("Retry-After")) || 0);
}

const authorized = () => {
  const key = sessionStorage.getItem(KEY);
  return key ? { Authorization: `Bearer ${key}` } : {};
};

/** Return the answer to a request; ask for a key while the server wants another. */
async function call(path, options = {}) {
  for (;;) {
    let response;
    try {
      response = await fetch(path, { ...options, headers: authorized(), cache: "no-store" });
    } catch (error) {
      throw options.signal?.aborted ? error : new Refused(t("unreachable"), 0);
    }
    if (response.ok) return response;
    const refused = refusal(response.status, await response.text(), (name) => response.headers.get(name));
    if (refused.status !== 401) throw refused;
    await askKey(refused);
  }
}

let asking = null;

/** Ask for the key once, however many requests want it. */
function askKey(refused) {
  asking ??= new Promise((resolve, reject) => {
    const dialog = byId("key-dialog");
    byId("key-error").textContent = sessionStorage.getItem(KEY) ? t("key_wrong") : "";
    byId("key").value = "";
    dialog.returnValue = "";
    dialog.onclose = () => {
      asking = null;
      if (!dialog.returnValue) return reject(new Refused(refused.message, 403)); // no key: not asked again
      sessionStorage.setItem(KEY, dialog.returnValue);
      resolve();
    };
    dialog.showModal();
  });
  return asking;
}

/** Read what the server offers and whether it takes work now. */
async function describe() {
  try {
    server = await (await fetch("page/server.json", { cache: "no-store" })).json();
  } catch {
    showState("unreachable", "wrong");
    throw new Refused(t("unreachable"), 0);
  }
  showState(server.state === "failed" ? "failed_server" : server.state, server.state === "ready" ? "ready" : "");
}

function showState(word, kind) {
  byId("state").className = kind;
  if (byId("state").textContent !== t(word)) byId("state").textContent = t(word);
}

/** Send a file; return its job. */
function upload(card) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch tells no progress of an upload
    const form = new FormData();
    for (const [name, value] of Object.entries(card.fields)) form.append(name, value);
    form.append("file", card.file, card.file.name);
    request.open("POST", "v1/audio/transcriptions");
    request.setRequestHeader("Prefer", "respond-async");
    for (const [name, value] of Object.entries(authorized())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => showProgress(card, "uploading", event.loaded / event.total);
    request.onload = () => {
      if (request.status === 202) return resolve(JSON.parse(request.responseText));
      reject(refusal(request.status, request.responseText, (name) => request.getResponseHeader(name)));
    };
    request.onerror = () => reject(new Refused(t("lost"), 0));
    request.onabort = () => reject(card.aborter.signal.reason);
    card.aborter.signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

/** Send a file as soon as the server takes it. */
async function send(card) {
  for (;;) {
    await describe();
    if (card.file.size > server.max_upload_bytes) {
      throw new Refused(t("too_large", { size: bytes(card.file.size), most: bytes(server.max_upload_bytes) }), 413);
    }
    try {
      if (server.refusal) throw new Refused(server.refusal.message, 503, server.refusal.retry_after_s);
      await call("v1/models", { signal: card.aborter.signal }); // asks for the key before a film is sent
      return await upload(card);
    } catch (error) {
      if (error.status === 401) await askKey(error);
      else if (error.status === 503 && error.retryAfter) await waitFor(card, error.retryAfter);
      else if (error.status !== 0 || !await isFull()) throw error;
    }
  }
}

/** Tell whether the server is full: a browser may lose the answer to an upload that is refused in its middle. */
async function isFull() {
  await describe();
  return server.refusal !== null;
}

async function waitFor(card, seconds) {
  for (let left = seconds; left > 0; left--) {
    showProgress(card, "busy", null, { s: left });
    await pause(1, card.aborter.signal);
  }
}

// ── jobs ───────────────────────────────────────────────────────────────────────────────────────────────────

let sending = Promise.resolve(); // uploads go one after the other; recognition runs at once

async function run(card) {
  try {
    if (!card.id) {
      showProgress(card, "waiting", null);
      const turn = sending.then(() => card.aborter.signal.throwIfAborted()).then(() => send(card));
      sending = turn.catch(() => {});
      show(card, await unlessCancelled(card, turn));
      card.id = card.job.id;
      remember();
    }
    await follow(card);
    if (card.job.status === "done") await finish(card);
    else if (card.job.status === "failed") fail(card, card.job.error?.message ?? t("failed"), isOurs(card.job.error));
    else end(card, "cancelled");
  } catch (error) {
    if (card.aborter.signal.aborted) end(card, "cancelled");
    else fail(card, error.status === 404 ? t("forgotten") : error.message);
  }
}

/** Wait for a promise that does not know of the recording's end, such as that of its turn. */
function unlessCancelled(card, promise) {
  const { signal } = card.aborter;
  const cancelled = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
  return Promise.race([promise, cancelled]);
}

const streams = new Set(); // their aborters; a hidden tab holds no connection

/** Follow a job until it is over, through lost connections. */
async function follow(card) {
  for (let failures = 0; !FINAL.has(card.job?.status);) {
    try {
      if (streams.size < MAX_STREAMS && !document.hidden) await stream(card);
      else show(card, await (await call(`v1/jobs/${card.id}`, { signal: card.aborter.signal })).json());
      failures = 0;
      if (!FINAL.has(card.job?.status)) await pause(document.hidden ? 5 : 1, card.aborter.signal);
    } catch (error) {
      if (card.aborter.signal.aborted || (error.status && error.status < 500)) throw error;
      card.status.textContent = t("reconnecting");
      await pause(Math.min(15, 2 ** failures++), card.aborter.signal);
    }
  }
}

async function stream(card) {
  const aborter = new AbortController();
  const stop = () => aborter.abort();
  let timer = setTimeout(stop, SILENCE_S * 1000);
  card.aborter.signal.addEventListener("abort", stop, { once: true });
  streams.add(aborter);
  try {
    const { body } = await call(`v1/jobs/${card.id}/events`, { signal: aborter.signal });
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = "", part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(stop, SILENCE_S * 1000);
      const events = (text + part.value).split("\n\n");
      text = events.pop();
      for (const event of events) {
        const data = event.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
        if (data) show(card, JSON.parse(data));
      }
    }
  } catch (error) {
    if (!aborter.signal.aborted || card.aborter.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
    streams.delete(aborter);
    card.aborter.signal.removeEventListener("abort", stop);
  }
}

function show(card, job) {
  const isNew = job.status !== card.job?.status;
  card.job = job;
  if (FINAL.has(job.status)) return;
  showProgress(card, job.status, (job.status === "recognizing" && job.progress) || null, {}, job.eta_s);
  if (isNew) say(`${card.name}: ${t(job.status)}`);
  if (job.text && card.live.textContent !== job.text) {
    card.live.textContent = job.text;
    card.live.scrollTop = card.live.scrollHeight;
  }
}

function showProgress(card, word, share, values, leftS) {
  const percent = share === null ? "" : ` ${Math.floor(share * 100)} %`;
  const left = leftS ? ` · ${t("left", { time: clock(leftS) })}` : "";
  card.status.textContent = t(word, values) + percent + left;
  card.progress.setAttribute("aria-label", `${card.name}: ${t(word, values)}`);
  if (share === null) card.progress.removeAttribute("value");
  else card.progress.value = share;
  showTitle();
}

function showTitle() {
  const open = cards.filter((card) => !card.outcome);
  const share = open.reduce((sum, card) => sum + (card.job?.progress ?? 0), 0) / open.length;
  document.title = open.length ? `${Math.floor(share * 100)} % · qasr` : "qasr";
}

function end(card, word) {
  card.outcome = word;
  card.status.textContent = t(word);
  card.progress.hidden = true;
  card.live.textContent = "";
  card.stop.textContent = t("remove");
  say(`${card.name}: ${t(word)}`);
  showTitle();
  remember();
}

/** Tell whether an error may pass: the same file is refused again. */
const isOurs = (error) => error?.type !== "invalid_request_error";

function fail(card, message, mayPass = true) {
  end(card, "failed");
  card.error.textContent = message;
  card.again.hidden = !card.file || !mayPass;
  say(`${card.name}: ${message}`);
}

/** Show the result: player, cues, downloads. */
async function finish(card) {
  const { job } = card;
  const vtt = await (await result(card, "vtt")).text();
  end(card, "done");
  const cues = await play(card, vtt);
  const facts = [t("done"), job.language && languageName(job.language), clock(job.audio_s)];
  facts.push(cues.length === 1 ? t("cue") : cues.length ? t("cues", { n: cues.length }) : t("nothing"));
  card.status.textContent = facts.filter(Boolean).join(" · ");
  const [first, ...others] = [card.format, ...server.formats.filter((one) => one.name !== card.format.name)];
  for (const format of [first, ...others]) {
    const button = add(card.downloads, "button", format === first ? t("download", { name: t(format.name) }) : t(format.name));
    button.type = "button";
    button.className = format === first ? "main" : "";
    button.dataset.format = format.name;
    button.setAttribute("aria-label", t("download", { name: card.name.replace(/\.[^.]*$/, "") + format.extension }));
    button.onclick = () => download(card, format);
  }
  card.downloads.hidden = false;
  if (job.warnings?.length) {
    const [summary, list] = card.notes.children;
    summary.textContent = job.warnings.length === 1 ? t("note") : t("notes", { n: job.warnings.length });
    for (const line of job.warnings) add(list, "li", line);
    card.notes.hidden = false;
  }
}

const result = (card, format) => {
  const query = new URLSearchParams({ response_format: format, profile: card.profile });
  return call(`v1/jobs/${card.id}/result?${query}`);
};

async function download(card, format) {
  try {
    const address = URL.createObjectURL(await (await result(card, format.name)).blob());
    const link = document.createElement("a");
    link.href = address;
    link.download = card.name.replace(/\.[^.]*$/, "") + format.extension;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  } catch (error) {
    card.error.textContent = error.message;
  }
}

/** Show the player with its cues, and return the cues. */
async function play(card, vtt) {
  const { video } = card;
  const track = document.createElement("track");
  track.kind = "subtitles";
  track.label = card.job.language ? languageName(card.job.language) : "qasr";
  track.srclang = card.job.language ?? "";
  track.default = true;
  video.append(track);
  card.result.hidden = false;
  const isLoaded = new Promise((resolve) => { track.onload = track.onerror = resolve; });
  track.track.mode = "showing";
  track.src = URL.createObjectURL(new Blob([vtt], { type: "text/vtt" }));
  await isLoaded;
  const cues = [...track.track.cues ?? []];
  const rows = new Map(cues.map((cue) => [cue, addCue(card, cue)]));
  track.track.oncuechange = () => {
    for (const row of rows.values()) row.removeAttribute("aria-current");
    for (const cue of track.track.activeCues) mark(card, rows.get(cue));
  };
  card.list.hidden = !cues.length;
  video.onloadedmetadata = () => card.result.classList.toggle("sound", !video.videoWidth);
  video.onerror = () => {
    video.hidden = true;
    card.unplayable.hidden = false;
  };
  card.attach.querySelector("input").onchange = (event) => attach(card, event.target.files[0]);
  attach(card, card.file);
  return cues;
}

function attach(card, file) {
  card.attach.hidden = Boolean(file);
  card.video.hidden = !file;
  if (!file) return;
  card.result.classList.toggle("sound", file.type.startsWith("audio/")); // until the browser knows it
  card.video.src = URL.createObjectURL(file);
}

function addCue(card, cue) {
  const button = add(add(card.list, "li"), "button");
  button.type = "button";
  add(button, "time", clock(cue.startTime));
  add(button, "span", cue.getCueAsHTML().textContent);
  button.onclick = () => {
    card.video.currentTime = cue.startTime + 0.001;
    if (!card.video.hidden) card.video.play().catch(() => {});
  };
  return button;
}

function mark(card, row) {
  row.setAttribute("aria-current", "true");
  const before = row.parentElement.previousElementSibling ?? row.parentElement; // one row stays above it
  if (!card.list.matches(":hover")) card.list.scrollTop = before.offsetTop;
}

// ── cards ──────────────────────────────────────────────────────────────────────────────────────────────────

function addCard(name, file, fields, format) {
  const article = byId("job").content.cloneNode(true).firstElementChild;
  const part = (selector) => article.querySelector(selector);
  const card = {
    article, name, file, fields, format, profile: fields.profile, aborter: new AbortController(),
    status: part(".status"), stop: part(".stop"), progress: part("progress"), error: part(".error"), live: part(".live"),
    result: part(".result"), video: part("video"), attach: part(".attach"), unplayable: part(".unplayable"),
    list: part(".cues"), notes: part(".notes"), downloads: part(".downloads"), again: part(".again"),
  };
  part("h3").textContent = part("h3").title = name;
  card.video.setAttribute("aria-label", name);
  card.stop.onclick = () => (card.outcome ? drop(card) : cancel(card));
  part(".again button").onclick = () => {
    drop(card);
    run(addCard(name, file, fields, format));
  };
  translate(article);
  byId("jobs").prepend(article);
  cards.push(card);
  return card;
}

function cancel(card) {
  card.aborter.abort();
  if (card.id) call(`v1/jobs/${card.id}`, { method: "DELETE" }).catch(() => {});
}

function drop(card) {
  URL.revokeObjectURL(card.video.src);
  card.article.remove();
  cards.splice(cards.indexOf(card), 1);
  remember();
  byId("jobs-title").focus();
}

/** Note the jobs that a reload of the page shows again. */
function remember() {
  const kept = cards.filter(({ id, outcome }) => id && (!outcome || outcome === "done"));
  const rows = kept.map(({ id, name, fields, format }) => ({ id, name, fields, format }));
  sessionStorage.setItem(JOBS, JSON.stringify(rows));
}

function recall() {
  for (const { id, name, fields, format } of JSON.parse(sessionStorage.getItem(JOBS) ?? "[]")) {
    const card = addCard(name, null, fields, format);
    card.id = id;
    showProgress(card, "queued", null);
    run(card);
  }
}

// ── form ───────────────────────────────────────────────────────────────────────────────────────────────────

function choose(files) {
  chosen.push(...files);
  showChosen();
}

function showChosen() {
  const list = byId("chosen");
  list.replaceChildren();
  for (const file of chosen) {
    const row = add(list, "li");
    add(row, "span", file.name).title = file.name;
    add(row, "small", bytes(file.size));
    const button = add(row, "button", "×");
    button.type = "button";
    button.className = "remove";
    button.setAttribute("aria-label", t("remove_file", { name: file.name }));
    button.onclick = () => {
      chosen = chosen.filter((one) => one !== file);
      showChosen();
      byId("files").focus();
    };
  }
  const start = byId("start");
  start.disabled = !chosen.length;
  start.textContent = chosen.length ? t(chosen.length === 1 ? "start_one" : "start_many", { n: chosen.length }) : startText;
}

function begin(event) {
  event.preventDefault();
  const format = server.formats.find(({ name }) => name === byId("format").value);
  // The words get their times whatever format was chosen: the player needs them.
  const fields = { response_format: "vtt", profile: byId("profile").value };
  if (byId("language").value) fields.language = byId("language").value;
  if (byId("hotwords").value.trim()) fields.hotwords = byId("hotwords").value.trim();
  // The newest are on top, those of one choice in its order.
  const added = chosen.reverse().map((file) => addCard(file.name, file, fields, format));
  added.reverse().forEach(run);
  chosen = [];
  showChosen();
  byId("jobs-title").focus({ preventScroll: true });
}

function fillChoices() {
  const language = byId("language");
  const named = server.languages.map((one) => [one.code, languageName(one.code)]);
  named.sort(([, a], [, b]) => a.localeCompare(b, locale));
  const before = language.value;
  language.replaceChildren(language.options[0]);
  for (const [code, name] of named) add(language, "option", name).value = code;
  language.value = before;
  if (byId("format").options.length) return;
  for (const format of server.formats) add(byId("format"), "option", t(format.name)).value = format.name;
  for (const profile of server.profiles) add(byId("profile"), "option", profile.name).value = profile.name;
  byId("profile").value = server.profile;
  showHint();
}

function showHint() {
  const profile = server.profiles.find(({ name }) => name === byId("profile").value);
  byId("profile-hint").textContent = words.profiles?.[profile.name] ?? profile.summary;
}

// ── texts ──────────────────────────────────────────────────────────────────────────────────────────────────

function add(parent, kind, text = "") {
  const element = document.createElement(kind);
  element.textContent = text;
  parent.append(element);
  return element;
}

function translate(root) {
  for (const element of root.querySelectorAll("[data-text]")) {
    element.textContent = words[element.dataset.text] ?? element.textContent;
  }
}

function bytes(n) {
  const power = Math.min(3, Math.floor(Math.log2(Math.max(1, n)) / 10));
  return `${(n / 1024 ** power).toLocaleString(locale, { maximumFractionDigits: power && 1 })} ${["B", "KiB", "MiB", "GiB"][power]}`;
}

/** Return seconds as 1:02:03 or 2:03. */
function clock(seconds) {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (!parts[0]) parts.shift();
  return parts.map((part, place) => String(part).padStart(place ? 2 : 1, "0")).join(":");
}

function languageName(code) {
  try {
    return new Intl.DisplayNames([locale], { type: "language" }).of(code);
  } catch {
    return code;
  }
}

// ── begin ──────────────────────────────────────────────────────────────────────────────────────────────────

document.documentElement.lang = locale.slice(0, 2).toLowerCase();
translate(document);
const startText = byId("start").textContent;

byId("files").onchange = (event) => {
  choose([...event.target.files]);
  event.target.value = ""; // the same file can be chosen again
};
byId("ask").onsubmit = begin;
byId("profile").onchange = showHint;
byId("key-form").onsubmit = (event) => {
  event.preventDefault();
  byId("key-dialog").close(byId("key").value.trim());
};
byId("key-cancel").onclick = () => byId("key-dialog").close("");

let depth = 0; // of elements that a dragged file is over
for (const [kind, change] of [["dragenter", 1], ["dragleave", -1], ["drop", -Infinity]]) {
  document.addEventListener(kind, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    depth = Math.max(0, depth + change);
    byId("drop").classList.toggle("over", depth > 0);
    if (kind === "drop") choose([...event.dataTransfer.files]);
  });
}
document.addEventListener("dragover", (event) => {
  if (event.dataTransfer.types.includes("Files")) event.preventDefault();
});
const endStreams = () => { for (const aborter of streams) aborter.abort(); };
document.addEventListener("visibilitychange", () => { if (document.hidden) endStreams(); });
window.addEventListener("offline", endStreams);
window.addEventListener("beforeunload", (event) => {
  if (cards.some((card) => !card.id && !card.outcome)) event.preventDefault(); // an upload would be lost
});

let isRecalled = false;
do {
  try {
    await describe();
    fillChoices();
    if (!isRecalled) recall();
    isRecalled = true;
  } catch { /* asked again after the pause */ }
  if (server.state !== "ready") await pause(2);
} while (server.state !== "ready");
