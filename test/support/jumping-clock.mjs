// Loaded before the bridge (node --import): every SIGUSR2 lets the wall clock jump, two days ahead, two days back, home.
const RealDate = Date;
const DAYS = [2, -2, 0];
let offset = 0;
let jumps = 0;

process.on("SIGUSR2", () => {
  offset = DAYS[jumps++ % DAYS.length] * 86_400_000;
});

globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [RealDate.now() + offset] : args));
  }

  static now() {
    return RealDate.now() + offset;
  }
};
