"use strict";
// A link to an entry opens the tab that holds it, and the entry.
(() => {
  const follow = () => {
    const entry = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!entry || !entry.matches("details")) return;
    const hash = location.hash;
    document.getElementById("tab-" + entry.closest(".panel").id).click();
    history.replaceState(null, "", hash);
    entry.open = true;
    entry.scrollIntoView();
    entry.querySelector("summary").focus({ preventScroll: true });
  };
  addEventListener("hashchange", follow);
  addEventListener("load", follow); // after the browser's own jump to the fragment
})();
