// Runs before the page is drawn, so that a chosen theme does not flash.
const kept = localStorage.getItem("neardup.theme");
if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
