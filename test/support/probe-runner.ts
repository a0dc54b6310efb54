import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../src/core/errors.ts';
import { renderCommand } from '../../src/lib/shell.ts';
import { quote, runInShell } from './shell-runs.ts';
import type { ShellCommand, ShellRun } from './shell-runs.ts';

/** The shells of this machine that /bin/sh may be, each once. */
export const probeShells: readonly string[] = [
  ...new Set(['/bin/dash', '/bin/bash'].filter((path) => existsSync(path)).map((path) => realpathSync(path))),
];

/** Values that would make a file `pwned` where something runs them, or takes them for an option, a file or a name. */
export const hostileValues: readonly string[] = [
  '$(touch pwned)',
  '-rf',
  'a[$(touch pwned)]',
  '--post-renderer=./x',
  '; touch pwned',
  './x',
  'x',
  '@/etc/passwd',
  '../..',
  '',
  '`touch pwned`',
  "'; touch pwned; '",
  '"; touch pwned; "',
  'a\ntouch pwned\n',
  '\ntouch pwned',
  '| touch pwned',
  '& touch pwned &',
  '&& touch pwned',
  '--kubeconfig=x',
  '-x',
  '-v',
  '@x',
  'a@/etc/passwd',
  'a[`touch pwned`]=1',
  'x[$(touch pwned)]+1',
  'a,b',
  '/etc/passwd',
  'x.sh',
  ' ',
  '*',
  '%n%s',
  '{touch,pwned}',
  '${x:=$(touch pwned)}',
  '$x',
  'system("touch pwned")',
  'BEGIN{system("touch pwned")}',
  '1e touch pwned',
  's/.*/touch pwned/e',
  '() { :; }; touch pwned',
  'PATH=.',
  'BASH_ENV=x',
  '!',
  '(',
  'touch pwned #',
  '\\',
  'eval "touch pwned"',
  'a -v a[$(touch pwned)]',
];

/**
 * What stands in for programs that need a cluster or a network. Each takes a word that begins with - for an option unless
 * it is the value of one or stands behind --, and makes `pwned` where that option, or a value with @, is not the author's.
 */
const fake = `#!/bin/sh
previous=
for word; do
  case $previous in
    -d | --data | --data-binary | --json | -H) case $word in @-) ;; @*) : > pwned ;; esac ;;
    --data-urlencode) case $word in *=*) ;; *@*) : > pwned ;; esac ;;
  esac
  case $previous in -[a-zA-Z] | --tail | --since | --namespace | --context | --data* | --json) previous=; continue ;; esac
  case $word in
    --) break ;;
    -d@* | --post-renderer* | --kubeconfig* | -rf | -x | -K* | -oP*) : > pwned ;;
  esac
  previous=$word
done
printf '%s\\n' "\${0##*/} $*"
`;
const fakes = ['kubectl', 'helm', 'oc', 'curl', 'systemctl', 'journalctl', 'ping', 'getent', 'sleep'];

/** A folder with what the probes read and, if they can, run. */
export interface ProbeFolder {
  readonly path: string;
  /** Numbers of the commands that made `pwned`, one process after the other in one shell script. */
  run(shell: string, commands: readonly ShellCommand[]): readonly number[];
  /** What each did, one after the other. */
  runAll(shell: string, commands: readonly ShellCommand[]): readonly ShellRun[];
  remove(): void;
}

export function createProbeFolder(): ProbeFolder {
  const path = mkdtempSync(join(tmpdir(), 'fist-probes-'));
  const programs = join(path, 'bin');
  const work = join(path, 'work');
  mkdirSync(programs);
  mkdirSync(work);
  const executable = (file: string, text: string): void => {
    writeFileSync(file, text);
    chmodSync(file, 0o755);
  };
  for (const name of fakes) executable(join(programs, name), fake);
  for (const name of ['x', 'x.sh']) executable(join(work, name), '#!/bin/sh\n: > pwned\n');
  const searchPath = `${programs}:/usr/local/bin:/usr/bin:/bin`;
  return {
    path,
    run(shell, commands) {
      const driver = commands
        .map(({ script, environment }, index) => {
          const variables = Object.entries(environment).map(([name, value]) => `export ${name}=${quote(value)}; `);
          const call = `exec ${shell} -c ${quote(script)} </dev/null >/dev/null 2>&1`;
          return `echo line > f; (${variables.join('')}${call})\n[ ! -e pwned ] || { echo ${index}; rm -f pwned; }`;
        })
        .join('\n');
      const file = join(path, 'driver');
      writeFileSync(file, driver);
      const result = spawnSync('/bin/sh', [file], {
        cwd: work,
        env: { PATH: searchPath },
        encoding: 'utf8',
        timeout: 280_000,
        stdio: ['ignore', 'pipe', 'pipe'],
        maxBuffer: 64 * 1024 * 1024,
      });
      if (result.status === null) throw new Error(`the probes did not end: ${String(result.error)}`);
      return result.stdout.split('\n').filter(Boolean).map(Number);
    },
    runAll: (shell, commands) => runInShell(shell, commands, { cwd: work, searchPath }),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** The command with this value, or undefined where it is refused while rendering. Throws for other errors. */
export function renderProbe(template: string, value: string): ShellCommand | undefined {
  try {
    return renderCommand(template, { x: value });
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'UnsafeArgument') return undefined;
    throw thrown;
  }
}
