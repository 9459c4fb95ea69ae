// Keeps what is shown as it is now, and reads the code of a link. The page works without it: then people load it again, and
// paste the code.
(() => {
  "use strict";
  const codeField = document.querySelector("input[name=code]");
  if (codeField && location.hash.length > 1) {
    codeField.value = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, "", location.pathname);
    codeField.form.querySelector("button").focus();
  }

  const main = document.querySelector("[data-live]");
  if (!main) return;
  const away = document.querySelector("[data-away]");
  let source;
  let again;
  let everyMs = 2000;
  let changedAt = 0;

  // What somebody has opened, typed or is pointing at stays as it is.
  const keep = {
    beforeNodeMorphed: (old, fresh) => {
      if (!(old instanceof Element)) return true;
      if (old.matches("details") && old.open) fresh.setAttribute("open", "");
      if (old.matches("[data-keep]")) return false;
      return !(
        old.matches("input, select, textarea") &&
        (old === document.activeElement || old.value !== old.defaultValue)
      );
    },
  };

  const words = () => main.textContent.replace(/\s+/g, " ").trim();
  const listenIn = (ms) => {
    clearTimeout(again);
    again = setTimeout(listen, ms);
  };
  // A connection that broke without a word, or a server that hangs, says nothing.
  const expect = () => {
    clearTimeout(again);
    again = setTimeout(() => {
      away.hidden = false;
      listen();
    }, everyMs + 20000);
  };
  const heard = () => {
    away.hidden = true;
    expect();
  };
  const listen = () => {
    source?.close();
    source = new EventSource(main.dataset.live);
    expect();
    source.addEventListener("every", ({ data }) => {
      everyMs = Number(data);
      expect();
    });
    source.addEventListener("view", ({ data }) => {
      const before = words();
      Idiomorph.morph(main, data, { morphStyle: "innerHTML", callbacks: keep });
      if (words() !== before) changedAt = performance.now();
      heard();
    });
    source.addEventListener("same", heard);
    source.addEventListener("later", ({ data }) => {
      source.close();
      listenIn(Number(data));
    });
    source.addEventListener("ended", () => location.reload());
    source.addEventListener("error", () => {
      away.hidden = false;
      if (source.readyState === EventSource.CLOSED) afterRefusal();
    });
  };
  // A browser gives up for ever where the answer was no stream: the session has ended, or a proxy says that the bridge is away.
  const afterRefusal = async () => {
    const answer = await fetch(location.href, { method: "HEAD", redirect: "manual" }).catch(() => undefined);
    if (answer?.type === "opaqueredirect") location.reload();
    else listenIn(5000);
  };
  // What moves under the pointer just as somebody presses it would decide about something else.
  main.addEventListener("submit", (event) => {
    if (event.target.method === "post" && performance.now() - changedAt < 500) event.preventDefault();
  });
  // Nobody looks at a hidden page.
  document.addEventListener("visibilitychange", () => {
    source?.close();
    clearTimeout(again);
    if (!document.hidden) listen();
  });
  if (!document.hidden) listen();
})();
