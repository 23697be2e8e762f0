// The console works without this file; it only makes it quicker by hand: keys, and lists that stay fresh by themselves.
"use strict";
(() => {
  const rows = () => [...document.querySelectorAll("tr[data-task]")];
  const here = () => document.querySelector("tr[data-task].here");
  const go = (row) => {
    if (!row) return;
    here()?.classList.remove("here");
    row.classList.add("here");
    row.querySelector("a")?.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const step = (by) => {
    const all = rows(), at = all.indexOf(here());
    go(all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))]);
  };
  const box = (row) => row?.querySelector("input[type=checkbox]");
  const chooseHere = () => {
    const b = box(here());
    if (b && !boxes().some((x) => x.checked)) { b.checked = true; count(); }
  };
  const answer = (row) => {
    const wanted = row && document.querySelector(`#many button[value="${row.dataset.approve}"]`);
    return wanted || document.querySelector('[data-hotkey="a"]');
  };
  const typing = (e) => e.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");

  // a and r only lead to the button and the reason: nothing is decided by a slip of one key.
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    x: () => { const b = box(here()); if (b) { b.checked = !b.checked; count(); } },
    Enter: (e) => { if (e.target.closest("a, button, summary, input")) return false; here()?.querySelector("a")?.click(); },
    a: () => { chooseHere(); answer(here())?.focus(); },
    r: () => { chooseHere(); document.querySelector('[data-hotkey="r"]')?.focus(); },
    "/": () => document.querySelector('[data-hotkey="/"]')?.focus(),
  };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    if (e.key === "Escape" && typing(e)) return e.target.blur();
    if (typing(e) || !keys[e.key]) return;
    if (keys[e.key](e) !== false) e.preventDefault();
  });

  // One box for all, and how many are chosen.
  const boxes = () => rows().map(box).filter(Boolean);
  const count = () => {
    const all = document.querySelector("#tasks input.all"), chosen = boxes().filter((b) => b.checked).length;
    if (all) { all.hidden = false; all.checked = chosen > 0 && chosen === boxes().length; all.indeterminate = chosen > 0 && !all.checked; }
    const told = document.querySelector("#chosen");
    if (told) told.textContent = chosen || "";
  };
  document.addEventListener("change", (e) => {
    if (e.target.matches("#tasks input.all")) for (const b of boxes()) b.checked = e.target.checked;
    count();
  });
  document.addEventListener("DOMContentLoaded", count);

  // On a small screen the rows of a wide table are cards, so each cell has its column's heading with it. A table of tasks has them as it comes.
  document.addEventListener("DOMContentLoaded", () => {
    for (const table of document.querySelectorAll(".scroll > table:not(.tasks, .parts)")) {
      const heads = [...(table.tHead?.rows[0].cells ?? [])];
      if (heads.length < 4) continue;
      for (const row of [...table.tBodies].flatMap((b) => [...b.rows])) {
        if (row.cells.length === heads.length) [...row.cells].forEach((cell, i) => { cell.dataset.label = heads[i].firstChild?.textContent.trim() ?? ""; });
      }
      table.classList.add("cards");
    }
  });

  // A menu closes by Escape, and when one goes on elsewhere.
  const menu = () => document.querySelector("details.menu[open]");
  document.addEventListener("keydown", (e) => {
    const open = menu();
    if (e.key !== "Escape" || !open) return;
    open.open = false;
    if (open.contains(document.activeElement)) open.querySelector("summary").focus();
  });
  for (const leaves of ["click", "focusin"]) {
    document.addEventListener(leaves, (e) => { const open = menu(); if (open && !open.contains(e.target)) open.open = false; });
  }

  // A list that is swapped keeps what was chosen, where one is, and the focus.
  let kept = null;
  document.addEventListener("htmx:beforeSwap", (e) => {
    if (e.detail.target?.id !== "tasks") return;
    const at = document.activeElement;
    kept = {
      chosen: new Set(boxes().filter((b) => b.checked).map((b) => b.value)),
      here: here()?.dataset.task,
      focus: at?.closest("tr[data-task]") && { task: at.closest("tr[data-task]").dataset.task, box: at.type === "checkbox" },
    };
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (!kept) return;
    for (const row of rows()) {
      const b = box(row), task = row.dataset.task;
      if (b) b.checked = kept.chosen.has(task);
      if (task === kept.here) row.classList.add("here");
      if (kept.focus?.task === task) (kept.focus.box ? b : row.querySelector("a"))?.focus({ preventScroll: true });
    }
    kept = null;
    count();
  });
  const refresh = () => {
    if (document.visibilityState !== "visible") return;
    for (const part of document.querySelectorAll("[hx-trigger=refresh]")) window.htmx?.trigger(part, "refresh");
  };
  setInterval(refresh, 20000);
  document.addEventListener("visibilitychange", refresh);
})();
