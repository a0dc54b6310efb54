// Sends notifications from a process of its own and prints what became of them as one line of JSON.
//   node test/chaos/overload-client.ts '{"port": 8080, "path": "/webhook/overload", ...}'
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LoadPlan {
  readonly port: number;
  readonly path: string;
  /** Names the alerts, so that two plans never send the same. */
  readonly name: string;
  readonly alertsPerBody: number;
  readonly seconds: number;
  /** Closed loop: so many senders, each of which waits for its answer. */
  readonly senders?: number;
  /** Open loop: so many notifications a second, whatever the answers are. */
  readonly perSecond?: number;
  /** Of the open loop: no more than so many wait for their answers at a time. */
  readonly mostWaiting?: number;
  /** Of the open loop: ends at the first request that is broken off, and waits for no more answers then. */
  readonly untilBroken?: boolean;
}

export interface LoadReport {
  readonly sent: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests without an answer, by error. */
  readonly errors: Readonly<Record<string, number>>;
  /** Answers 503 without a usable Retry-After. */
  readonly withoutRetryAfter: number;
  /** Alerts of 2xx answers. */
  readonly acceptedAlerts: number;
  /** Answers on a connection that had been answered 503 before. */
  readonly wentOn: number;
  readonly seconds: number;
}

const plan = JSON.parse(process.argv[2] ?? '{}') as LoadPlan;
const statuses: Record<string, number> = {};
const errors: Record<string, number> = {};
let sent = 0;
let withoutRetryAfter = 0;
let wentOn = 0;

/** About 0.6 KB an alert; each has labels of its own. */
function notification(number: number): Buffer {
  const alerts = Array.from({ length: plan.alertsPerBody }, (_, index) => ({
    status: 'firing',
    labels: { alertname: 'Overload', severity: 'warning', namespace: 'shop', pod: `${plan.name}-${number}-${index}` },
    annotations: { summary: 'Too much.', description: 'The load is larger than what can be taken. '.repeat(8) },
    startsAt: '2026-01-01T00:00:00Z',
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: 'http://prometheus.example:9090/graph?g0.expr=rate',
    fingerprint: (number * 1000 + index).toString(16).padStart(16, '0'),
  }));
  return Buffer.from(JSON.stringify({ version: '4', groupKey: `{}:{n="${number}"}`, status: 'firing', alerts }));
}

/** How long the last answers are waited for. */
const patienceMs = 20_000;
const lines = new Set<Line>();

/** One request after the other on one connection. */
interface Line {
  readonly socket: Socket;
  wasRefused: boolean;
  settle: ((outcome: string) => void) | null;
  text: string;
}

function openLine(): Line {
  const line: Line = {
    socket: connect({ port: plan.port, host: '127.0.0.1', noDelay: true }),
    wasRefused: false,
    settle: null,
    text: '',
  };
  line.socket.on('data', (chunk) => {
    line.text += chunk.toString('latin1');
    const head = line.text.indexOf('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(line.text)?.[1] ?? Number.NaN);
    if (head >= 0 && line.text.length >= head + 4 + length) finish(line, line.text.slice(9, 12));
  });
  lines.add(line);
  line.socket.on('error', (error: NodeJS.ErrnoException) => finish(line, error.code ?? 'error'));
  line.socket.on('close', () => {
    lines.delete(line);
    finish(line, 'closed');
  });
  return line;
}

function finish(line: Line, outcome: string): void {
  const { settle } = line;
  line.settle = null;
  settle?.(outcome);
}

/** Sends on this connection and counts what came of it. */
async function send(line: Line, keepAlive: boolean): Promise<void> {
  const body = notification(sent++);
  const head = [
    `POST ${plan.path} HTTP/1.1`,
    'Host: localhost',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    `Connection: ${keepAlive ? 'keep-alive' : 'close'}`,
  ];
  line.text = '';
  const outcome = await new Promise<string>((resolve) => {
    line.settle = resolve;
    if (line.socket.destroyed) return finish(line, 'closed');
    line.socket.write(`${head.join('\r\n')}\r\n\r\n`);
    line.socket.write(body);
  });
  const counts = /^\d{3}$/.test(outcome) ? statuses : errors;
  counts[outcome] = (counts[outcome] ?? 0) + 1;
  if (outcome === '503' && !/\r\nretry-after: [1-5]\r\n/i.test(line.text)) withoutRetryAfter += 1;
  if (counts === statuses && line.wasRefused) wentOn += 1;
  line.wasRefused ||= outcome === '503';
}

/** Every second request on a new connection, the others on idle ones where there are any. */
const idle: Line[] = [];
async function request(): Promise<void> {
  const fresh = sent % 2 === 0;
  const line = (fresh ? undefined : idle.pop()) ?? openLine();
  await send(line, !fresh);
  if (fresh || line.socket.destroyed || /\r\nconnection: close\r\n/i.test(line.text)) line.socket.destroy();
  else idle.push(line);
}

const isBroken = () => plan.untilBroken === true && Object.keys(errors).length > 0;
const startedAt = performance.now();
const elapsed = () => (performance.now() - startedAt) / 1000;
const under: Promise<void>[] = [];
if (plan.senders !== undefined) {
  under.push(
    ...Array.from({ length: plan.senders }, async () => {
      while (elapsed() < plan.seconds) await request();
    }),
  );
} else {
  const perSecond = plan.perSecond ?? 1;
  while (elapsed() < plan.seconds && !isBroken()) {
    const missing = Math.floor(elapsed() * perSecond) - sent;
    const room = (plan.mostWaiting ?? Infinity) - (lines.size - idle.length);
    for (let left = Math.min(missing, room, 100); left > 0; left--) under.push(request());
    await sleep(2);
  }
}
const seconds = elapsed();
if (!isBroken()) await Promise.race([Promise.all(under), sleep(patienceMs, undefined, { ref: false })]);
for (const line of lines) line.socket.destroy();
await Promise.all(under);
const report: LoadReport = {
  sent,
  statuses,
  errors,
  withoutRetryAfter,
  acceptedAlerts: (statuses['200'] ?? 0) * plan.alertsPerBody,
  wentOn,
  seconds,
};
process.stdout.write(`${JSON.stringify(report)}\n`);
