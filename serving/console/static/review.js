// The review page: hidden text, the lease, the draft, single keys, and a decision to undo.
(function () {
  "use strict";

  var page = document.getElementById("case");
  if (!page) return;
  var told = page.dataset;
  var decision = document.getElementById("decision");

  function store(kind) {
    try {
      return window[kind];
    } catch (error) {
      return null; // the browser keeps nothing for us
    }
  }
  var session = store("sessionStorage");
  var local = store("localStorage");

  function say(text) {
    var said = document.getElementById("said");
    if (said) said.textContent = text;
  }

  function clockText(seconds) {
    var left = Math.max(0, Math.floor(seconds));
    var rest = String(left % 60).padStart(2, "0");
    return Math.floor(left / 60) + ":" + rest;
  }

  // ---- Hidden text: shown while R or the button is held, or until Shift+R once more ----

  var veils = [];
  var kept = false;

  document.querySelectorAll("details[data-veil]").forEach(function (details) {
    var box = document.createElement("div");
    var content = document.createElement("div");
    var note = document.createElement("p");
    var button = document.createElement("button");
    box.className = "veil-box";
    content.className = "veil-content";
    note.className = "visually-hidden";
    note.textContent = told.hidden;
    button.type = "button";
    button.className = "veil-button";
    button.textContent = told.hold;
    Array.from(details.childNodes).forEach(function (node) {
      if (node.nodeName !== "SUMMARY") content.appendChild(node);
    });
    box.append(button, note, content);
    details.replaceWith(box);
    veils.push({ box: box, content: content, note: note });
    button.addEventListener("pointerdown", function () {
      reveal(true);
    });
    ["pointerup", "pointercancel", "pointerleave", "blur"].forEach(function (name) {
      button.addEventListener(name, function () {
        reveal(kept);
      });
    });
    button.addEventListener("keydown", function (event) {
      if (event.key === " " || event.key === "Enter") {
        event.preventDefault();
        reveal(true);
      }
    });
    button.addEventListener("keyup", function (event) {
      if (event.key === " " || event.key === "Enter") reveal(kept);
    });
    button.addEventListener("contextmenu", function (event) {
      event.preventDefault(); // a long touch would open a menu
    });
  });

  function reveal(shown) {
    veils.forEach(function (veil) {
      veil.box.classList.toggle("revealed", shown);
      veil.content.setAttribute("aria-hidden", String(!shown));
      veil.content.inert = !shown;
      veil.note.hidden = shown;
    });
  }
  reveal(false);
  window.addEventListener("blur", function () {
    kept = false;
    reveal(false);
  });
  document.addEventListener("visibilitychange", function () {
    if (document.hidden) {
      kept = false;
      reveal(false);
    }
  });

  // ---- The draft: what was entered, never the item, for this account, case and tab ----

  function draftName(caseId) {
    return "draft:" + told.account + ":" + caseId;
  }

  var DRAFT_FIELDS = "input:not([type=hidden]), select, textarea";
  var NO_DRAFT = ["next", "minutes"];

  function drafted() {
    var forms = [decision].concat(Array.from(document.querySelectorAll("dialog form")));
    var fields = [];
    forms.forEach(function (form, place) {
      form.querySelectorAll(DRAFT_FIELDS).forEach(function (field) {
        if (field.name && NO_DRAFT.indexOf(field.name) < 0) fields.push([place, field]);
      });
    });
    return fields;
  }

  function fieldName(place, field) {
    var ticked = field.type === "checkbox" || field.type === "radio";
    return place + ":" + field.name + (ticked ? "=" + field.value : "");
  }

  function valueOf(field) {
    var ticked = field.type === "checkbox" || field.type === "radio";
    return ticked ? field.checked : field.value;
  }

  var signedOut = false;

  function keepDraft() {
    if (!session || !decision || signedOut) return;
    var values = {};
    var empty = true;
    drafted().forEach(function (row) {
      var value = valueOf(row[1]);
      if (value) empty = false;
      values[fieldName(row[0], row[1])] = value;
    });
    try {
      if (empty) session.removeItem(draftName(told.case));
      else session.setItem(draftName(told.case), JSON.stringify(values));
    } catch (error) {
      // Full or forbidden: the form itself still holds it.
    }
  }

  function restoreDraft() {
    if (!session || !decision || document.getElementById("not-saved")) return;
    var values = null;
    try {
      values = JSON.parse(session.getItem(draftName(told.case)) || "null");
    } catch (error) {
      values = null;
    }
    if (!values) return;
    var changed = false;
    drafted().forEach(function (row) {
      var name = fieldName(row[0], row[1]);
      if (!(name in values) || valueOf(row[1]) === values[name]) return;
      changed = true;
      if (typeof values[name] === "boolean") row[1].checked = values[name];
      else row[1].value = values[name];
    });
    if (changed) say(told.restored);
  }

  function dropDraft(caseId) {
    if (session) session.removeItem(draftName(caseId));
  }

  document.querySelectorAll("[data-done]").forEach(function (element) {
    dropDraft(element.dataset.done);
  });
  if (told.state === "decided" || told.state === "withdrawn") dropDraft(told.case);

  document.querySelectorAll('form[action="/console/sign-out"]').forEach(function (form) {
    form.addEventListener("submit", function (event) {
      signedOut = true;
      Object.keys(session || {}).forEach(function (name) {
        if (name.indexOf("draft:") === 0) session.removeItem(name);
      });
      if (!pending) return;
      event.preventDefault(); // the decision first, while there is a session to send it in
      sendAndLeave().finally(function () {
        form.submit();
      });
    });
  });

  // ---- Dialogs: with scripts they are modal; without, the link shows them ----

  function openDialog(name) {
    var dialog = document.getElementById(name);
    if (!dialog || !dialog.showModal || lost || pending) return;
    if (dialog.hasAttribute("open")) dialog.close();
    dialog.showModal();
  }

  document.querySelectorAll("[data-opens]").forEach(function (link) {
    link.addEventListener("click", function (event) {
      event.preventDefault();
      openDialog(link.dataset.opens);
    });
  });
  document.querySelectorAll("[data-closes]").forEach(function (link) {
    link.addEventListener("click", function (event) {
      event.preventDefault();
      link.closest("dialog").close();
    });
  });

  // ---- The lease: shown, renewed while the page is in use, and said before it ends ----

  var USED_WITHIN = 5 * 60 * 1000;
  var skew = told.now ? Date.now() - Date.parse(told.now) : 0;
  var expiresAt = told.expires ? Date.parse(told.expires) + skew : 0;
  var leaseFor = Number(told.lease || 0) * 1000;
  var usedAt = Date.now();
  var renewedAt = Date.now();
  var renewing = false;
  var lost = false;
  var warned = false;
  var ticking = 0;

  ["pointermove", "pointerdown", "keydown", "wheel", "scroll", "input"].forEach(function (name) {
    document.addEventListener(name, function () {
      usedAt = Date.now();
    }, { passive: true, capture: true });
  });

  function csrf() {
    return decision.elements.csrf.value;
  }

  function renew() {
    if (renewing || lost) return;
    renewing = true;
    renewedAt = Date.now();
    fetch("/console/claims/" + told.claim + "/renew", {
      method: "POST",
      headers: { "X-CSRF-Token": csrf(), Accept: "application/json" },
      credentials: "same-origin",
      redirect: "error",
    }).then(function (answer) {
      if (answer.ok) return answer.json();
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) lose();
      throw new Error("not renewed");
    }).then(function (body) {
      // A lease lasts from now, whatever this machine's clock says.
      expiresAt = Date.now() + body.seconds * 1000;
      if (warned) say("");
      warned = false;
    }).catch(function () {
      renewedAt = Date.now() - leaseFor / 3 + 5000; // once more in five seconds
    }).finally(function () {
      renewing = false;
      tick();
    });
  }

  function lose() {
    if (lost) return;
    lost = true;
    keepDraft();
    cancelPending();
    document.querySelectorAll("dialog[open]").forEach(function (dialog) {
      dialog.close();
    });
    document.getElementById("decision-fields").inert = true;
    page.classList.add("lost");
    document.getElementById("lease").classList.add("over");
    document.getElementById("lease-left").textContent = clockText(0);
    say(told.lost);
    window.clearInterval(ticking);
  }

  function tick() {
    if (lost) return;
    var now = Date.now();
    var left = (expiresAt - now) / 1000;
    if (left <= 0) {
      lose();
      return;
    }
    document.getElementById("lease-left").textContent =
      told.left.replace("{time}", clockText(left));
    var near = Math.min(120, leaseFor / 4000);
    document.getElementById("lease").classList.toggle("near", left <= near);
    if (left <= near && !warned) {
      warned = true;
      say(told.ending.replace("{time}", clockText(left)));
    }
    var used = !document.hidden && now - usedAt < USED_WITHIN;
    // What is on hold lasts longer than a lease and need not be renewed until it does not.
    if (used && now - renewedAt >= leaseFor / 3 && left * 1000 <= leaseFor) renew();
  }

  // ---- The decision: held for some seconds, to be undone ----

  var MAX_KEPT_ALIVE = 60000; // browsers send at most 64 KiB when a page is left
  var pending = null;
  var leaving = false;

  function body(withNext) {
    var sent = new URLSearchParams();
    new FormData(decision).forEach(function (value, name) {
      if (name !== "next" || withNext) sent.append(name, value);
    });
    return sent.toString();
  }

  function hold() {
    if (lost || pending || leaving) return;
    keepDraft();
    var seconds = Number(told.undo);
    if ((expiresAt - Date.now()) / 1000 < seconds + 5) {
      say(told.shorter);
      send();
      return;
    }
    pending = { until: Date.now() + seconds * 1000, timer: 0 };
    document.getElementById("decision-fields").inert = true;
    document.getElementById("pending").hidden = false;
    countDown();
    pending.timer = window.setInterval(countDown, 250);
    document.getElementById("send-now").focus();
  }

  function countDown() {
    var left = Math.ceil((pending.until - Date.now()) / 1000);
    if (left <= 0) {
      send();
      return;
    }
    var box = document.getElementById("pending-said");
    var text = told.sending.replace("{seconds}", left);
    // Said once and then seen: a screen reader does not count down aloud.
    if (!box.dataset.said) {
      box.dataset.said = "yes";
    } else {
      box.removeAttribute("aria-live");
      box.removeAttribute("role");
    }
    if (box.textContent !== text) box.textContent = text;
  }

  function cancelPending() {
    if (!pending) return;
    window.clearInterval(pending.timer);
    pending = null;
    var box = document.getElementById("pending-said");
    delete box.dataset.said;
    box.setAttribute("role", "status");
    box.setAttribute("aria-live", "assertive");
    box.textContent = "";
    document.getElementById("pending").hidden = true;
  }

  function undo() {
    if (!pending) return;
    cancelPending();
    document.getElementById("decision-fields").inert = false;
    document.getElementById("send").focus();
    say(told.undone);
  }

  function send() {
    if (leaving || lost) return;
    leaving = true;
    cancelPending();
    document.getElementById("decision-fields").inert = true;
    decision.submit();
  }

  function sendAndLeave() {
    if (!pending || leaving || lost) return Promise.resolve();
    leaving = true;
    var sent = body(false); // nobody would see the next case
    cancelPending();
    // Not `decision.action`: that is the field of this name.
    return fetch(decision.getAttribute("action"), {
      method: "POST",
      body: sent,
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      credentials: "same-origin",
      redirect: "manual",
      keepalive: true,
    }).catch(function () {});
  }

  function begin() {
    decision.addEventListener("submit", function (event) {
      event.preventDefault();
      hold();
    });
    document.getElementById("undo").addEventListener("click", undo);
    document.getElementById("send-now").addEventListener("click", send);
    window.addEventListener("pagehide", function () {
      keepDraft();
      sendAndLeave();
    });
    window.addEventListener("beforeunload", function (event) {
      if (pending && body(false).length > MAX_KEPT_ALIVE) event.preventDefault();
    });
    document.addEventListener("input", keepDraft);
    document.addEventListener("change", keepDraft);
    document.querySelectorAll("dialog form").forEach(function (form) {
      form.addEventListener("submit", function (event) {
        if (leaving || lost) event.preventDefault();
        else leaving = true;
      });
    });
    restoreDraft();
    document.querySelectorAll("dialog[open]").forEach(function (dialog) {
      openDialog(dialog.id);
    });
    tick();
    ticking = window.setInterval(tick, 1000);
    document.addEventListener("visibilitychange", tick);
  }

  // A page that comes back out of the browser's memory shows what is over: ask again.
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) window.location.reload();
  });

  // ---- Keys ----

  function keyOf(event) {
    var key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    // Korean and other layouts: the letter printed on the key.
    if (!/^[\x20-\x7e]$/.test(key) && /^Key[A-Z]$/.test(event.code)) {
      return event.code.slice(3).toLowerCase();
    }
    return key;
  }

  function keysOn() {
    return !local || local.getItem("desk-keys") !== "off";
  }

  function typing(target) {
    return target.closest("textarea, [contenteditable]") !== null ||
      (target.tagName === "INPUT" && target.type !== "checkbox" && target.type !== "radio");
  }

  function toggleLabel(box) {
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
    var row = box.closest(".label-row");
    var severity = row && row.querySelector("select");
    if (box.checked && severity) severity.focus();
    else box.focus();
  }

  function onSeverity(event, key) {
    var select = event.target;
    if (/^[0-4]$/.test(key)) {
      select.value = "S" + key;
      select.dispatchEvent(new Event("change", { bubbles: true }));
      select.closest(".label-row").querySelector("input").focus();
      event.preventDefault();
      return true;
    }
    return false;
  }

  function onKey(event) {
    var key = keyOf(event);
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      if (decision && !document.querySelector("dialog[open]")) {
        event.preventDefault();
        if (event.repeat) return;
        if (pending) send();
        else hold();
      }
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.key === "Escape" && typing(event.target)) {
      event.target.blur();
      return;
    }
    if (pending) {
      if (event.repeat) {
        event.preventDefault(); // a key that was held too long must not send or undo
      } else if (key === "u" || key === "Escape") {
        event.preventDefault();
        undo();
      } else if (key === "Enter" && !event.target.closest("button, a")) {
        event.preventDefault();
        send();
      }
      return;
    }
    if (typing(event.target) || !keysOn()) return;
    if (document.querySelector("dialog[open]")) return;
    if (key === "r") {
      if (event.repeat) return;
      if (event.shiftKey) kept = !kept;
      reveal(event.shiftKey ? kept : true);
      return;
    }
    if (event.repeat) return;
    if (key === "?") {
      event.preventDefault();
      openDialog("keys");
      return;
    }
    if (key === "n" && !decision) {
      var next = document.querySelector('button[data-key="n"]');
      if (next && !leaving) {
        leaving = true;
        next.form.requestSubmit();
      }
      return;
    }
    if (!decision || lost) return;
    if (event.target.tagName === "SELECT") {
      if (onSeverity(event, key)) return;
      if (key.length === 1 && key !== "s") event.preventDefault();
      else return;
    }
    var box = decision.querySelector('input[data-key="' + CSS.escape(key) + '"]');
    if (box) {
      event.preventDefault();
      toggleLabel(box);
    } else if (key === "a") {
      event.preventDefault();
      (decision.querySelector("[name=action]:checked") ||
        decision.querySelector("[name=action]")).focus();
    } else if (key === "f" || key === "t") {
      event.preventDefault();
      document.getElementById(key === "f" ? "facts" : "explanation").focus();
    } else if (key === "l" || key === "h" || key === "e") {
      event.preventDefault();
      openDialog({ l: "release", h: "hold", e: "escalate" }[key]);
    }
  }

  document.addEventListener("keydown", onKey);
  document.addEventListener("keyup", function (event) {
    if (keyOf(event) === "r") reveal(kept);
  });

  var switchBox = document.getElementById("keys-on");
  if (switchBox) {
    switchBox.checked = keysOn();
    switchBox.addEventListener("change", function () {
      if (local) local.setItem("desk-keys", switchBox.checked ? "on" : "off");
    });
  }

  if (decision) begin();
})();
