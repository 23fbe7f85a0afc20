// What the pages need beyond htmx: the theme, dialogs, times that grow older.
(function () {
  "use strict";
  var root = document.documentElement;

  // Light or dark: the system's choice until somebody presses the button.
  var theme = document.getElementById("theme");
  if (theme) theme.addEventListener("click", function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("stepwell-theme", root.dataset.theme); } catch (e) { /* for this page only */ }
  });

  // A confirmation that htmx fetched is shown over the page.
  var dialog = document.getElementById("dialog");
  document.addEventListener("htmx:afterSwap", function (e) {
    if (!dialog || e.target.id !== "dialog-body" || !e.target.firstElementChild) return;
    if (!dialog.open) dialog.showModal();
    var first = dialog.querySelector("input:not([type=hidden]), textarea, select, [data-close]");
    if (first) first.focus();
  });
  document.addEventListener("click", function (e) {
    if (dialog && dialog.open && (e.target === dialog || e.target.closest("[data-close]") && dialog.contains(e.target))) {
      e.preventDefault();
      dialog.close();
    }
  });
  if (dialog) dialog.addEventListener("close", function () { document.getElementById("dialog-body").replaceChildren(); });

  // A browser has six connections to a server, and a page that is kept up to
  // date takes one of them: pages that nobody sees give theirs back. To htmx
  // this is an EventSource.
  function Source(url) {
    this.url = url;
    this.listeners = [];
    this.readyState = 0;
    this.connect();
    sources.push(this);
  }
  var sources = [], hiding;
  Source.prototype = {
    connect: function () {
      var self = this, es = this.es = new EventSource(this.url);
      es.onopen = function (e) { self.readyState = es.readyState; if (self.onopen) self.onopen(e); };
      es.onerror = function (e) { self.readyState = es.readyState; if (self.onerror) self.onerror(e); };
      this.listeners.forEach(function (l) { es.addEventListener(l[0], l[1]); });
    },
    addEventListener: function (type, fn) {
      this.listeners.push([type, fn]);
      if (this.es) this.es.addEventListener(type, fn);
    },
    removeEventListener: function (type, fn) {
      this.listeners = this.listeners.filter(function (l) { return l[0] !== type || l[1] !== fn; });
      if (this.es) this.es.removeEventListener(type, fn);
    },
    pause: function () { this.es.close(); this.es = null; },
    close: function () {
      if (this.es) this.es.close();
      this.readyState = 2;
      sources = sources.filter(function (s) { return s !== this; }, this);
    }
  };
  if (window.htmx) htmx.createEventSource = function (url) { return new Source(url); };
  document.addEventListener("visibilitychange", function () {
    clearTimeout(hiding);
    if (document.hidden) {
      hiding = setTimeout(function () { sources.forEach(function (s) { if (s.es) s.pause(); }); }, 5000);
    } else {
      sources.forEach(function (s) { if (!s.es) s.connect(); });
    }
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", function (e) {
    if (e.defaultPrevented || e.target.method !== "post") return;
    if (e.target.dataset.sent) { e.preventDefault(); return; }
    e.target.dataset.sent = "1";
  });
  window.addEventListener("pageshow", function (e) {
    if (e.persisted) document.querySelectorAll("form[data-sent]").forEach(function (f) { delete f.dataset.sent; });
  });

  // One box that ticks all others.
  document.addEventListener("change", function (e) {
    var name = e.target.dataset && e.target.dataset.all;
    if (!name) return;
    e.target.form.querySelectorAll('input[type=checkbox][name="' + name + '"]').forEach(function (box) { box.checked = e.target.checked; });
  });

  // "12 s ago" grows older.
  function roughly(ms) {
    var s = Math.floor(ms / 1000);
    if (s < 60) return s + " s";
    if (s < 3600) return Math.floor(s / 60) + " min";
    if (s < 48 * 3600) return Math.floor(s / 3600) + " h";
    return Math.floor(s / 86400) + " d";
  }
  var ago = document.getElementsByTagName("time");
  setInterval(function () {
    if (document.hidden || ago.length > 2000) return;
    var now = Date.now();
    for (var i = 0; i < ago.length; i++) {
      var data = ago[i].dataset, ms = now - Date.parse(ago[i].dateTime), text;
      if ("ago" in data) text = ms < 0 ? "in " + roughly(-ms) : roughly(ms) + " ago";
      else if ("since" in data) text = roughly(Math.max(ms, 0));
      else continue;
      if (!data.local) {
        data.local = "1";
        ago[i].title = new Date(ago[i].dateTime).toLocaleString() + " (" + ago[i].title + ")";
      }
      if (ago[i].textContent !== text) ago[i].textContent = text;
    }
  }, 1000);

  // A moment in the time of whoever looks.
  document.querySelectorAll("time[data-here]").forEach(function (t) {
    t.textContent = new Date(t.dateTime).toLocaleString(undefined, { weekday: "short", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" }) + " here";
  });
})();
