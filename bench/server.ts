import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A server process under measurement. */
export interface MeasuredServer {
  readonly url: string;
  readonly process: ChildProcess;
  /** From spawn to the line that says ready. Milliseconds. */
  readonly readyMs: number;
  /** Resident memory now. Bytes. */
  residentBytes(): number;
  stop(): Promise<void>;
}

/** Starts `node args...` and waits for its line `{"message":"ready","url":...}` on stderr. */
export function startServer(args: readonly string[]): Promise<MeasuredServer> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
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
        process: child,
        readyMs: performance.now() - startedAt,
        residentBytes: () => residentBytes(child),
        stop: () => stop(child),
      });
    });
  });
}

function residentBytes(child: ChildProcess): number {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
