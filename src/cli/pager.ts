import { spawn } from 'node:child_process';

/** A program in which a person reads what is written. */
export interface Pager {
  readonly out: (text: string) => void;
  /** Resolves once the person has left it. */
  close(): Promise<void>;
}

/** Starts `PAGER`, else `less`, which writes to `stdout` (a descriptor; default: this process's); as git does, through a shell, because `PAGER` may have flags. */
export function openPager(
  env: Readonly<Record<string, string | undefined>>,
  stdout: number | 'inherit' = 'inherit',
): Pager {
  const { PAGER = 'less', LESS = 'FRX' } = env;
  const child = spawn(PAGER, { shell: true, stdio: ['pipe', stdout, 'inherit'], env: { ...env, LESS } });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  // Who leaves early does not want the rest.
  child.stdin?.on('error', () => undefined);
  return {
    out: (text) => void child.stdin?.write(text),
    close() {
      child.stdin?.end();
      return ended;
    },
  };
}
