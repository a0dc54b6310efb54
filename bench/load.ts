// Posts Alertmanager bodies for a while over N connections and prints {"alerts", "requests", "errors", "seconds", "p50Ms", "p99Ms"}.
//   node bench/load.ts --url URL --connections N --alerts-per-body N --seconds N [--first N] [--rate PER_SECOND] [--same]
// --first: number of the first alert; --rate: bodies a second over all connections; --same: one alert again and again.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from 'undici';
import { alertmanagerBody } from './bodies.ts';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: '' },
    connections: { type: 'string', default: '1' },
    'alerts-per-body': { type: 'string', default: '1' },
    seconds: { type: 'string', default: '3' },
    first: { type: 'string', default: '0' },
    rate: { type: 'string', default: '0' },
    same: { type: 'boolean', default: false },
  },
});
const target = new URL(values.url);
const perBody = Number(values['alerts-per-body']);
const rate = Number(values.rate);
const headers = { 'content-type': 'application/json', authorization: 'Bearer bench' };
const warmUpMs = 500;
const startedAt = performance.now();
const countFrom = startedAt + warmUpMs;
const endAt = countFrom + Number(values.seconds) * 1000;
const latencies: number[] = [];
let errors = 0;
let sent = 0;

/** One connection: the next request leaves when the answer is read, as Alertmanager's groups do. */
async function connection(): Promise<void> {
  const client = new Client(target.origin);
  while (performance.now() < endAt) {
    const turn = sent++;
    if (rate > 0) await sleep(Math.max(0, startedAt + (turn * 1000) / rate - performance.now()));
    const body = alertmanagerBody(Number(values.first) + (values.same ? 0 : turn), perBody);
    const sentAt = performance.now();
    const response = await client.request({ path: target.pathname, method: 'POST', headers, body });
    await response.body.dump();
    const answeredAt = performance.now();
    if (response.statusCode !== 200) errors += 1;
    else if (sentAt >= countFrom && answeredAt <= endAt) latencies.push(answeredAt - sentAt);
  }
  await client.close();
}

await Promise.all(Array.from({ length: Number(values.connections) }, connection));
latencies.sort((a, b) => a - b);
const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
const result = {
  requests: latencies.length,
  alerts: latencies.length * perBody,
  sent,
  errors,
  seconds: Number(values.seconds),
  p50Ms: at(0.5),
  p99Ms: at(0.99),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
