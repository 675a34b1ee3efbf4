// A pointer on a point shows its network below the picture; a click keeps it and copies the command.
const told = document.getElementById("told");
let kept = null;
const show = (row, note) => {
  const figures = [...row.rows[0].cells].map((cell, i) =>
    i ? `${row.closest("table").tHead.rows[0].cells[i].textContent} ${cell.textContent}` : "");
  const command = document.createElement("code");
  command.textContent = row.querySelector("code").textContent;
  told.replaceChildren(
    `Trial ${row.dataset.trial}: ${row.querySelector(".text").textContent}`,
    document.createElement("br"), figures.slice(1).join(", "),
    document.createElement("br"), command, note);
};
const keep = (row) => {
  document.querySelectorAll(".chosen").forEach((other) => other.classList.remove("chosen"));
  row.classList.add("chosen");
  kept = row;
  show(row, "");
  navigator.clipboard?.writeText(row.querySelector("code").textContent)
    .then(() => show(row, " (copied)"), () => {});
};
for (const row of document.querySelectorAll("tbody[data-trial]")) {
  const point = document.getElementById(`search-point${row.dataset.trial}`);
  point.addEventListener("mouseenter", () => show(row, ""));
  point.addEventListener("focusin", () => show(row, ""));
  point.addEventListener("mouseleave", () => kept && show(kept, ""));
  point.addEventListener("click", (event) => { event.preventDefault(); keep(row); });
  row.addEventListener("click", () => keep(row));
}
