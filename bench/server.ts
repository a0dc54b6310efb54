import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A server process under measurement. */
export interface MeasuredServer {
  readonly url: string;
  /** Of the API. */
  readonly token: string;
  /** From spawn to the line that says ready. Milliseconds. */
  readonly readyMs: number;
  /** Resident memory now. Bytes. */
  residentBytes(): number;
  /** User and system time so far. */
  cpuSeconds(): number;
  stop(): Promise<void>;
  /** As `kill -9`. */
  kill(): Promise<void>;
}

const token = randomBytes(24).toString('hex');
const ticksPerSecond = 100;
/** As bin/fist.js gives them to the pinned Node, which has its cache of compiled files named, too. */
const nodeOptions = JSON.parse(readFileSync(`${root}bin/node-options.json`, 'utf8')) as readonly string[];

/** Starts `node args...` and waits for its line `{"message":"ready","url":...}` on stderr. */
export function startServer(args: readonly string[]): Promise<MeasuredServer> {
  const startedAt = performance.now();
  const env = { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'), ...process.env, FIST_TOKEN: token };
  const child = spawn(process.execPath, [...nodeOptions, ...args], {
    cwd: root,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`the server ended with ${code}:\n${text}`)));
    child.stderr.on('data', (chunk: Buffer) => {
      if (text.length > 1_000_000) return;
      text += chunk.toString();
      const line = text.split('\n').find((candidate) => candidate.includes('"ready"') && candidate.includes('"url"'));
      if (line === undefined) return;
      const { url } = JSON.parse(line) as { url: string };
      resolve({
        url,
        token,
        readyMs: performance.now() - startedAt,
        residentBytes: () => residentBytes(child),
        cpuSeconds: () => cpuSeconds(child),
        stop: () => end(child, 'SIGTERM'),
        kill: () => end(child, 'SIGKILL'),
      });
    });
  });
}

function residentBytes(child: ChildProcess): number {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

function cpuSeconds(child: ChildProcess): number {
  // proc(5): the fields after the name in brackets; utime and stime are the 14th and 15th.
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}
