/** The page's filter. Without it, all of the page can be read: the filter is not shown then. */
export const SCRIPT = `
"use strict";
{
  const form = document.querySelector(".filter");
  const rows = [...document.querySelectorAll(".matrix tr[data-name]")];
  const apply = () => {
    const show = form.elements.show.value;
    const words = form.elements.words.value.trim().toLowerCase().split(/\\s+/);
    let shown = 0;
    for (const row of rows) {
      const fits =
        (show === "all" || row.classList.contains("has-" + show)) &&
        words.every((word) => row.dataset.name.includes(word));
      row.hidden = !fits;
      if (fits) shown += 1;
    }
    for (const area of document.querySelectorAll(".matrix tbody"))
      area.hidden = !area.querySelector("tr[data-name]:not([hidden])");
    form.elements.count.value =
      (shown === rows.length ? "" : shown + " of ") + rows.length + " " + form.dataset.rows;
  };
  document.documentElement.classList.add("scripted");
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  // A link to a check, or an area, that is filtered away would lead nowhere.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const row = target && target.closest("tr[data-name]");
    if (target && target.closest("[hidden]")) {
      form.reset();
      apply();
      target.scrollIntoView();
    }
    if (!row) return;
    row.querySelector("details").open = true;
    row.scrollIntoView({ block: "center" });
  };
  addEventListener("hashchange", reveal);
  apply();
  reveal();
}
`;
