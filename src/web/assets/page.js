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

  const listen = () => {
    source = new EventSource(main.dataset.live);
    source.addEventListener("view", ({ data }) => {
      away.hidden = true;
      Idiomorph.morph(main, data, { morphStyle: "innerHTML", callbacks: keep });
    });
    source.addEventListener("same", () => {
      away.hidden = true;
    });
    source.addEventListener("ended", () => location.reload());
    source.addEventListener("error", () => {
      away.hidden = false;
      // A browser gives up for ever where the answer was no stream, as while a proxy says that the bridge is away.
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    });
  };
  // Nobody looks at a hidden page.
  document.addEventListener("visibilitychange", () => {
    source?.close();
    if (!document.hidden) listen();
  });
  if (!document.hidden) listen();
})();
