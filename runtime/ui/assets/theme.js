// Before the first paint, so that nothing flashes: the colours that were chosen here.
(function () {
  try {
    var theme = localStorage.getItem("stepwell-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch (e) { /* no storage: the system's choice holds */ }
  document.documentElement.classList.add("js");
})();
