// A break: says when it is over, and goes on by the key n. Without it the page says the time.
(function () {
  "use strict";

  var left = document.getElementById("break-left");
  if (left) {
    var wait = Date.parse(left.dataset.until) - Date.now();
    // A clock that is wrong by hours would end the break at once or never: then nothing is said.
    if (wait > 0 && wait < 24 * 3600 * 1000) {
      window.setTimeout(function () {
        left.textContent = left.dataset.over;
        document.getElementById("announcements").textContent = left.dataset.over;
      }, wait);
    }
  }

  var UNITS = [["hour", 3600], ["minute", 60], ["second", 1]];
  var words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", {
    numeric: "always",
    style: "long",
  });

  window.setInterval(function () {
    var time = left && left.querySelector("time[data-relative]");
    var seconds = time ? (Date.parse(time.dateTime) - Date.now()) / 1000 : NaN;
    if (isNaN(seconds)) return;
    var unit = UNITS.find(function (row) {
      return Math.abs(seconds) >= row[1];
    }) || UNITS[2];
    time.textContent = words.format(Math.ceil(seconds / unit[1]), unit[0]);
  }, 20000);

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

  function keysOff() {
    try {
      return window.localStorage.getItem("desk-keys") === "off";
    } catch (error) {
      return false;
    }
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || keysOff()) return;
    var latin = /^[\x20-\x7e]$/.test(event.key);
    if (event.key !== "n" && (latin || event.code !== "KeyN")) return;
    var next = document.querySelector('button[data-key="n"]');
    if (next) next.form.requestSubmit();
  });
})();
