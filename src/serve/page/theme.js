// Puts the chosen theme on the document before it is first painted. Without a choice the system's theme counts.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("docparse.theme");
  } catch {
    // Storage may be forbidden; the system's theme stays.
  }
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
})();
