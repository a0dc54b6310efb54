// Preloaded into the server (`--import`): prints each stretch of work that held the event loop, in processor time, so that
// a busy machine lengthens none of them. Also what the whole start took: the harness looks only at what comes later.
const leastMs = 25;
const everyMs = 10;

let last = process.threadCpuUsage();
setInterval(() => {
  const { user, system } = process.threadCpuUsage(last);
  last = process.threadCpuUsage();
  const stretchMs = (user + system) / 1000;
  if (stretchMs >= leastMs) process.stdout.write(`${JSON.stringify({ at: Date.now(), stretchMs })}\n`);
}, everyMs).unref();
