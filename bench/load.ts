// Posts Alertmanager bodies for a while over N connections and prints {"alerts", "requests", "errors", "seconds", "p50Ms", "p99Ms"}.
//   node bench/load.ts URL TOKEN CONNECTIONS ALERTS_PER_BODY SECONDS
import { Client } from 'undici';
import { alertmanagerBody } from './bodies.ts';

const [url = '', token = '', connections = '1', alertsPerBody = '1', seconds = '3'] = process.argv.slice(2);
const target = new URL(url);
const perBody = Number(alertsPerBody);
const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
const warmUpMs = 500;
const startedAt = performance.now();
const countFrom = startedAt + warmUpMs;
const endAt = countFrom + Number(seconds) * 1000;
const latencies: number[] = [];
let errors = 0;
let next = 0;

/** One connection: the next request leaves when the answer is read, as Alertmanager's groups do. */
async function connection(): Promise<void> {
  const client = new Client(target.origin);
  while (performance.now() < endAt) {
    const body = alertmanagerBody(next++, perBody);
    const sentAt = performance.now();
    const response = await client.request({ path: target.pathname, method: 'POST', headers, body });
    await response.body.dump();
    const answeredAt = performance.now();
    if (response.statusCode !== 200) errors += 1;
    else if (sentAt >= countFrom && answeredAt <= endAt) latencies.push(answeredAt - sentAt);
  }
  await client.close();
}

await Promise.all(Array.from({ length: Number(connections) }, connection));
latencies.sort((a, b) => a - b);
const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
process.stdout.write(
  `${JSON.stringify({ requests: latencies.length, alerts: latencies.length * perBody, errors, seconds: Number(seconds), p50Ms: at(0.5), p99Ms: at(0.99) })}\n`,
);
