"use strict";
// Tables sort and filter where scripts run; without them everything is there as well.
for (const table of document.querySelectorAll("table.sortable")) {
  const shown = new DataTable(table, {
    paging: false, autoWidth: false, order: [], orderMulti: true,
    layout: { topStart: "search", topEnd: null, bottomStart: "info", bottomEnd: null },
    language: { search: "Search", info: "_TOTAL_ rows", infoFiltered: "of _MAX_", infoEmpty: "no row",
                zeroRecords: "no row fits", lengthMenu: "" },
  });
  const title = table.caption.textContent;
  const [outer, inner] = [table.closest(".scroll"), table.closest(".dt-layout-cell")];
  if (outer && inner) { // the table alone is moved aside, not what it is searched by
    outer.classList.add("whole");
    for (const name of ["tabindex", "role", "aria-label"]) {
      inner.setAttribute(name, outer.getAttribute(name));
      outer.removeAttribute(name);
    }
  }
  const bar = document.createElement("div");
  bar.className = "choices";
  for (const place of table.dataset.choose.split(" ").filter(Boolean)) {
    const column = shown.column(Number(place));
    const texts = [...table.tBodies[0].rows].map((row) => row.cells[place].textContent.trim());
    const values = [...new Set(texts)].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
    if (values.length < 2) continue;
    const name = table.tHead.rows[0].cells[place].textContent.trim();
    const label = document.createElement("label");
    label.append(name + " ");
    const select = document.createElement("select");
    select.setAttribute("aria-label", name + ": " + title);
    for (const value of ["", ...values]) select.add(new Option(value || "all", value));
    select.addEventListener("change", () => {
      column.search(select.value, { exact: select.value !== "" }).draw();
    });
    label.append(select);
    bar.append(label);
  }
  const search = shown.table().container().querySelector(".dt-search");
  if (search) { search.after(bar); search.querySelector("input").setAttribute("aria-label", "Search: " + title); }
}

// A link to a cell's sheet unfolds it.
function unfold() {
  const found = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = found && found.closest("details");
  if (folded) { folded.open = true; folded.scrollIntoView(); }
}
addEventListener("hashchange", unfold);
unfold();

// Commands can be copied.
for (const block of document.querySelectorAll("pre.command")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  block.append(button);
}
