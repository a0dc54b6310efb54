import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ShellCommand {
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What one command did. */
export interface ShellRun {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
  /** What stood in its folder when it had ended. */
  readonly files: readonly string[];
}

interface ShellRunOptions {
  /** The folder that all of them run in, one after the other. */
  readonly cwd: string;
  /** Their PATH; beside it they have their own environment only. */
  readonly searchPath: string;
}

/**
 * Runs each command in a process of its own, all of them from one script: to start a process from a test's, with all its
 * memory, takes 20 ms of a processor, from a shell it takes one.
 */
export function runInShell(
  shell: string,
  commands: readonly ShellCommand[],
  { cwd, searchPath }: ShellRunOptions,
): readonly ShellRun[] {
  const folder = mkdtempSync(join(tmpdir(), 'fist-shell-runs-'));
  try {
    const kept = join(folder, 'kept');
    mkdirSync(kept);
    const words = shell.endsWith('busybox') ? [shell, 'sh', '-c'] : [shell, '-c'];
    const driver = commands.map(({ script, environment }, index) => {
      const variables = Object.entries({ PATH: searchPath, ...environment }).map(([name, value]) => `${name}=${value}`);
      const call = ['env', '-i', ...variables, ...words, script].map(quote).join(' ');
      const to = quote(join(kept, String(index)));
      // bash takes a socket on its standard input for a remote login and reads ~/.bashrc.
      return `${call} </dev/null >${to}.output 2>${to}.errors; echo $? >${to}.status; ls -A >${to}.files`;
    });
    const file = join(folder, 'driver');
    writeFileSync(file, driver.join('\n'));
    const env = { PATH: '/usr/local/bin:/usr/bin:/bin' };
    const { status, error } = spawnSync('/bin/sh', [file], { cwd, env, stdio: 'ignore', timeout: 280_000 });
    if (status === null) throw new Error(`the commands did not end: ${String(error)}`);
    const read = (index: number, what: string) => readFileSync(join(kept, `${index}.${what}`), 'utf8');
    return commands.map((_, index) => ({
      status: Number(read(index, 'status')),
      output: read(index, 'output'),
      errors: read(index, 'errors'),
      files: read(index, 'files').split('\n').filter(Boolean),
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A text as one word of a shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
