// Loaded before the bridge (node --import): as soon as it could tell of it, a fault that nobody catches, with text attached
// to it as drivers do.
const timer = setInterval(() => {
  if (process.listenerCount("uncaughtException") === 0) return;
  clearInterval(timer);
  const said = process.env.SAID;
  throw Object.assign(new Error(`no such thing: "${said}"`), { detail: said, params: [said] });
}, 10);
