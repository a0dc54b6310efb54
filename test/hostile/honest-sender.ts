// An honest sender in a process of its own: posts so many alerts a second, whatever the answers are, until SIGTERM, and
// prints what became of each as a line of JSON.
//   node test/hostile/honest-sender.ts '{"url": "http://127.0.0.1:8080/webhook/honest", "token": "...", "perSecond": 20, "pid": 1}'
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface HonestPlan {
  readonly url: string;
  readonly token: string;
  readonly perSecond: number;
  /** Of the server. */
  readonly pid: number;
}

export interface HonestAnswer {
  /** When it was sent, milliseconds since the epoch. */
  readonly at: number;
  /** From then to the end of the answer. */
  readonly tookMs: number;
  /** Of that, how long the server's thread had work and the machine no processor for it: that is no fault of the server. */
  readonly queuedMs: number;
  /** Status, or what went wrong. */
  readonly outcome: string;
}

const plan = JSON.parse(process.argv[2] ?? '{}') as HonestPlan;
const agent = new Agent({ keepAlive: true });
const answerTimeoutMs = 60_000;
const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort());

function body(number: number): string {
  const alert = {
    status: 'firing',
    labels: { alertname: 'Honest', severity: 'warning', namespace: 'shop', pod: `honest-${number}` },
    annotations: { summary: 'Something is wrong.', description: 'It would be good to know what it is. '.repeat(8) },
    startsAt: new Date().toISOString(),
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: 'http://prometheus.example:9090/graph?g0.expr=up',
  };
  const groupKey = `{}:{pod="honest-${number}"}`;
  return JSON.stringify({ version: '4', receiver: 'fist', status: 'firing', groupKey, alerts: [alert] });
}

function post(number: number): Promise<string> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${plan.token}` };
    const sent = request(plan.url, { method: 'POST', agent, headers, timeout: answerTimeoutMs }, (response) => {
      response.resume().on('end', () => resolve(String(response.statusCode)));
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(body(number));
  });
}

/** How long the server's thread has been ready to run without running; 0 where the system does not tell. */
function queuedMs(): number {
  try {
    return Number(readFileSync(`/proc/${plan.pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

const begunMs = performance.now();
const under = new Set<Promise<void>>();
for (let number = 0; !stopping.signal.aborted; number++) {
  const dueMs = begunMs + (number * 1000) / plan.perSecond;
  await sleep(Math.max(0, dueMs - performance.now()), undefined, { signal: stopping.signal }).catch(() => undefined);
  if (stopping.signal.aborted) break;
  const sent = { atMs: performance.now(), queuedMs: queuedMs() };
  const answered = post(number).then((outcome) => {
    under.delete(answered);
    const line: HonestAnswer = {
      at: performance.timeOrigin + sent.atMs,
      tookMs: performance.now() - sent.atMs,
      queuedMs: Math.max(0, queuedMs() - sent.queuedMs),
      outcome,
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  });
  under.add(answered);
}
await Promise.all(under);
agent.destroy();
