// The queues page: live depths, and the next case by one key.
(function () {
  "use strict";

  var SAY_EVERY = 20000; // milliseconds between two sentences for a screen reader
  var holder = document.getElementById("depths");
  if (!holder) return;
  var said = document.getElementById("depths-said");
  var state = document.getElementById("depths-state");
  var source = null;
  var spokenAt = 0;
  var spoken = summary();

  function summary() {
    var table = holder.querySelector("table");
    return table ? table.dataset.summary || "" : "";
  }

  function speak() {
    var now = Date.now();
    if (summary() === spoken || now - spokenAt < SAY_EVERY) return;
    spoken = summary();
    spokenAt = now;
    said.textContent = spoken;
  }

  function show(html) {
    var focused = document.activeElement;
    var row = holder.contains(focused) ? focused.closest("tr[data-queue]") : null;
    var inRegion = focused && focused.matches && focused.matches("#depths .scroll");
    var region = holder.querySelector(".scroll");
    var left = region ? region.scrollLeft : 0;
    holder.innerHTML = html;
    region = holder.querySelector(".scroll");
    if (region) region.scrollLeft = left;
    if (row) {
      var again = document.getElementById(row.id);
      var button = again && again.querySelector("button");
      if (button) button.focus({ preventScroll: true });
    } else if (inRegion && region) {
      region.focus({ preventScroll: true });
    }
    tellTimes();
    speak();
  }

  function listen() {
    if (source || document.hidden || !window.EventSource) return;
    source = new EventSource(holder.dataset.live);
    source.addEventListener("open", function () {
      state.textContent = "";
    });
    source.addEventListener("depths", function (event) {
      show(event.data);
    });
    source.addEventListener("error", function () {
      var over = !source || source.readyState === EventSource.CLOSED;
      state.textContent = over ? holder.dataset.stopped : "";
      if (over) source = null;
      else later();
    });
  }

  // A stream that ends is opened again by the browser; only a longer silence is worth a word.
  function later() {
    window.setTimeout(function () {
      if (source && source.readyState !== EventSource.OPEN) {
        state.textContent = holder.dataset.paused;
      }
    }, 10000);
  }

  function stop() {
    if (source) source.close();
    source = null;
  }

  document.addEventListener("visibilitychange", function () {
    if (document.hidden) stop();
    else listen();
  });
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", listen);

  var UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  var words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", {
    numeric: "always",
    style: "short",
  });

  function tellTimes() {
    holder.querySelectorAll("time[data-relative]").forEach(function (element) {
      var seconds = (Date.parse(element.dateTime) - Date.now()) / 1000;
      if (isNaN(seconds)) return;
      var unit = UNITS.find(function (row) {
        return Math.abs(seconds) >= row[1];
      }) || UNITS[3];
      var text = words.format(Math.trunc(seconds / unit[1]), unit[0]);
      if (element.textContent !== text) element.textContent = text;
    });
  }

  window.setInterval(function () {
    if (!document.hidden) tellTimes();
    speak();
  }, 15000);

  function typing(target) {
    return target.closest("input, textarea, select, [contenteditable]") !== null;
  }

  function keysOff() {
    try {
      return window.localStorage.getItem("desk-keys") === "off";
    } catch (error) {
      return false;
    }
  }

  function take(row) {
    var form = row && row.querySelector("form");
    if (form) form.requestSubmit();
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (event.defaultPrevented || typing(event.target)) return;
    var row = event.target.closest("tr[data-queue]");
    if (row && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      var next = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
      var button = next && next.querySelector("button");
      if (button) button.focus();
      event.preventDefault();
      return;
    }
    if (keysOff()) return;
    var latin = /^[\x20-\x7e]$/.test(event.key);
    if ((event.key === "n" || (!latin && event.code === "KeyN")) && row) {
      event.preventDefault();
      take(row);
    } else if (/^[1-9]$/.test(event.key)) {
      event.preventDefault();
      take(holder.querySelector('tr[data-key="' + event.key + '"]'));
    }
  });

  // What was entered for a case that is done with is of no use any more.
  document.querySelectorAll("[data-done]").forEach(function (element) {
    try {
      Object.keys(window.sessionStorage).forEach(function (name) {
        var ours = name.indexOf("draft:") === 0;
        if (ours && name.endsWith(":" + element.dataset.done)) {
          window.sessionStorage.removeItem(name);
        }
      });
    } catch (error) {
      // The browser keeps nothing for us.
    }
  });

  // Two presses must not claim two cases.
  document.addEventListener("submit", function (event) {
    if (!holder.contains(event.target)) return;
    if (holder.dataset.taking) {
      event.preventDefault();
      return;
    }
    holder.dataset.taking = "yes";
    window.setTimeout(function () {
      delete holder.dataset.taking; // sending was stopped by hand
    }, 5000);
  });
  window.addEventListener("pageshow", function () {
    delete holder.dataset.taking;
  });

  tellTimes();
  listen();
})();
