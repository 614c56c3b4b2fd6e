// What every page of the console does. Without it all forms still work.
"use strict";

(() => {
  const csrf = document.querySelector('meta[name="csrf-token"]');

  // Requests of htmx carry the token that forms have as a hidden field.
  document.addEventListener("htmx:config:request", (event) => {
    if (csrf && csrf.content) {
      event.detail.ctx.request.headers["X-CSRF-Token"] = csrf.content;
    }
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !(form instanceof HTMLFormElement)) {
      return;
    }
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    setTimeout(() => delete form.dataset.sent, 5000); // sending was stopped by hand
  });

  // A page that comes back from the browser's memory can send its forms again.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
    }
  });

  // A message after a failed form is read out and found by the keyboard.
  const alert = document.querySelector('main .message[role="alert"]');
  if (alert) {
    alert.tabIndex = -1;
    alert.focus();
  }

  const button = document.getElementById("own-zone");
  const select = button && document.getElementById(button.dataset.fills);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (select && [...select.options].some((option) => option.value === zone)) {
    button.hidden = false;
    button.addEventListener("click", () => {
      select.value = zone;
      select.focus();
    });
  }
})();
