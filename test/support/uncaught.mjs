// Loaded before the bridge (node --import): throws an error that nobody catches, with text attached to it as drivers
// do, as soon as the bridge could log it.
const timer = setInterval(() => {
  if (process.listenerCount("uncaughtException") === 0) return;
  clearInterval(timer);
  const said = process.env.SAID;
  throw Object.assign(new Error(`no such thing: "${said}"`), { detail: said, params: [said] });
}, 10);
