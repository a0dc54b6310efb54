/** A real Alertmanager of one's own, on the loopback interface, and what it delivers to a webhook. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetch } from 'undici';

/** An alert as a story or fixture gives it: times in seconds before now; `resolved` ends it when it is sent again. */
export interface AlertTemplate {
  labels: Record<string, string>;
  annotations?: Record<string, string>;
  generatorURL?: string;
  startsSecondsAgo: number;
}

/** Sends alerts and takes the notifications that follow. */
export interface Alertmanager {
  /** Posts alerts as firing, or as ended now. Rejects when the API refuses them. */
  post: (alerts: AlertTemplate[], ended?: boolean) => Promise<void>;
  /** The next notification whose body satisfies `wanted`, within 30 s; those before it are dropped. */
  next: (wanted?: (body: Notification) => boolean) => Promise<string>;
}

export interface Notification {
  status: string;
  receiver: string;
  truncatedAlerts: number;
  alerts: { status: string; labels: Record<string, string> }[];
}

/** The program that ALERTMANAGER names, or the first one found in PATH. */
export function findProgram(): string | undefined {
  const names = [process.env['ALERTMANAGER'], 'prometheus-alertmanager', 'alertmanager'];
  return names.find((name) => name !== undefined && spawnSync(name, ['--version']).status === 0);
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

/** A port that was free a moment ago: Alertmanager cannot be asked which one the system chose. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((done) => server.close(done));
  return port;
}

function api(base: string, started: number): Alertmanager['post'] {
  const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();
  return async (alerts, ended = false) => {
    const body = alerts.map(({ startsSecondsAgo, ...alert }) => ({
      ...alert,
      startsAt: iso(started - startsSecondsAgo * 1000),
      ...(ended ? { endsAt: iso(Date.now()) } : {}),
    }));
    const answer = await fetch(`${base}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`Alertmanager refused the alerts: ${answer.status} ${await answer.text()}`);
  };
}

function inbox(): { server: ReturnType<typeof createServer>; next: Alertmanager['next'] } {
  const received: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push(Buffer.concat(chunks).toString('utf8'));
      response.end();
    });
  });
  return {
    server,
    next: async (wanted = () => true) => {
      for (const until = Date.now() + 30_000; Date.now() < until; await sleep(20)) {
        const body = received.shift();
        if (body !== undefined && wanted(JSON.parse(body) as Notification)) return body;
      }
      throw new Error('no such notification came within 30 s');
    },
  };
}

/** Runs `work` with an Alertmanager of its own, whose configuration is `config` with RECEIVER_URL filled in. */
export async function withAlertmanager(
  program: string,
  config: string,
  work: (alertmanager: Alertmanager) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'alertmanager-'));
  const { server, next } = inbox();
  const receiverPort = await listen(server);
  const port = await freePort();
  const configFile = join(folder, 'config.yml');
  writeFileSync(configFile, config.replaceAll('RECEIVER_URL', `http://127.0.0.1:${receiverPort}/webhook/alertmanager`));
  const child = spawn(
    program,
    [
      `--config.file=${configFile}`,
      `--storage.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.external-url=http://alertmanager.example.com',
      '--web.route-prefix=/',
      '--cluster.listen-address=',
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  try {
    const base = `http://127.0.0.1:${port}`;
    for (let attempt = 0; ; attempt++) {
      const up = await fetch(`${base}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (up) break;
      if (attempt === 200 || child.exitCode !== null) throw new Error(`${program} did not get ready`);
      await sleep(50);
    }
    await work({ post: api(base, Date.now()), next });
  } finally {
    child.kill();
    await ended;
    server.close();
    rmSync(folder, { recursive: true });
  }
}
