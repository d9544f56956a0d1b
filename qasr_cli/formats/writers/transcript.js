"use strict";
const player = document.querySelector("video");
const words = [...document.querySelectorAll("main p [data-start]")];
const starts = words.map((word) => Number(word.dataset.start));
let shown = null;

function wordAt(ms) {
  let low = 0, high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= ms) low = middle + 1; else high = middle;
  }
  const word = words[low - 1];
  return word && ms < Number(word.dataset.end) ? word : null;
}

function follow() {
  const word = wordAt(player.currentTime * 1000);
  if (word === shown) return;
  shown?.classList.remove("now");
  word?.classList.add("now");
  shown = word;
}

player.addEventListener("loadedmetadata", () => {
  player.hidden = false;
  player.classList.toggle("sound", player.videoWidth === 0);
  document.body.classList.add("playable");
});
player.addEventListener("timeupdate", follow);
player.addEventListener("seeked", follow);
document.querySelector("main").addEventListener("click", (event) => {
  const target = event.target.closest("[data-start]");
  if (!target || player.hidden || String(getSelection()) !== "") return;
  player.currentTime = Number(target.dataset.start) / 1000;
  player.play();
});
