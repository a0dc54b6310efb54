import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { startListServer } from '../support/list-server.ts';
import { repositoryRoot, runProcess } from '../support/processes.ts';
import { waitFor } from '../support/wait.ts';

// The scripts of `fist completion`, in the shells themselves. Not every machine has every shell.

const cleanup = createCleanup();
afterAll(() => cleanup.run());

let folder: string;
let environment: Record<string, string>;

beforeAll(async () => {
  const url = await startListServer(cleanup);
  folder = cleanup.temporaryFolder('completion');
  mkdirSync(join(folder, 'bin'));
  const program = `#!/bin/sh\nexec '${process.execPath}' '${repositoryRoot}src/main.ts' "$@"\n`;
  writeFileSync(join(folder, 'bin', 'fist'), program, { mode: 0o755 });
  // What no command knows is a file.
  writeFileSync(join(folder, 'examined.yaml'), '');
  environment = {
    PATH: [join(folder, 'bin'), process.env['PATH']].join(delimiter),
    HOME: folder,
    TERM: 'dumb',
    FIST_SERVER: url,
    FIST_TOKEN: 't',
  };
});

/** Runs a script in a shell that reads no file of the person; what it prints, by line, once the server was asked in time for its id. */
function inShell(shell: string, flags: readonly string[], script: string): Promise<readonly string[]> {
  let last = '';
  return waitFor(
    'an id of the server',
    async () => {
      const { stdout, stderr, code } = await runProcess(shell, [...flags, script], { environment, cwd: folder });
      expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
      last = stdout;
      // Nobody who presses Tab waits for a server longer than a second: on a busy machine that may be over.
      return stdout.includes('0199bb') && stdout.split('\n').map((line) => line.trim());
    },
    { explain: () => last },
  );
}

const has = (shell: string) => spawnSync(shell, ['--version']).error === undefined;
const titleOf = (shell: string) => (has(shell) ? shell : `skipped: ${shell} is not installed`);

test('bash: words, flags with =, ids of the server', async () => {
  const ask = (line: string) =>
    [
      `COMP_LINE=${JSON.stringify(line)}; COMP_POINT=\${#COMP_LINE}; COMPREPLY=()`,
      '_fist fist; printf "%s " "${COMPREPLY[@]}"; echo',
    ].join('\n');
  const lines = ['fist descr', 'fist get runs 0199b', 'fist get --output=js', 'fist describe ', 'fist lint '];
  const script = ['eval "$(fist completion bash)"', 'complete -p fist', ...lines.map(ask)].join('\n');
  expect(await inShell('bash', ['--norc', '-c'], script)).toEqual([
    'complete -o default -F _fist fist',
    'describe',
    '0199bb',
    'json jsonl jsonpath=',
    'alert/ run/ delivery/ event/ dead-letter/ source/ workflow/ sink/',
    '',
    '',
  ]);
});

describe.skipIf(!has('zsh'))(titleOf('zsh'), () => {
  /** What the keys of a line and Tab make of it, in a shell on a terminal of its own. */
  const press = (line: string) => `
zpty -w -n z ${JSON.stringify(line)}$'\\x14'
(( wanted++ ))
while (( $(wc -l < lines) < wanted )); do zpty -r -t z drained; sleep 0.02; done`;

  test('words, ids of the server, what goes on without a space, files', async () => {
    const lines = [
      'fist descr',
      'fist get runs 0199b',
      'fist describe ru',
      'fist get --output=jso',
      'fist get sou',
      'fist lint exam',
    ];
    const setup = `PROMPT=; fist completion zsh > _fist; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -d dump
unsetopt auto_list; capture() { zle complete-word; print -r -- "$BUFFER|" >> lines; BUFFER= }
zle -N capture; bindkey '^T' capture; print ready >> lines`;
    writeFileSync(join(folder, 'setup.zsh'), setup);
    const script = `zmodload zsh/zpty; : > lines; integer wanted=1
zpty z zsh -f -i; zpty -w z 'source ./setup.zsh'
while (( $(wc -l < lines) < 1 )); do zpty -r -t z drained; sleep 0.02; done
${lines.map(press).join('')}
zpty -d z; cat lines`;
    expect(await inShell('zsh', ['-f', '-c'], script)).toEqual([
      'ready',
      'fist describe |',
      'fist get runs 0199bb |',
      'fist describe run/|',
      'fist get --output=json|',
      'fist get sources |',
      'fist lint examined.yaml |',
      '',
    ]);
  });
});

describe.skipIf(!has('fish'))(titleOf('fish'), () => {
  test('words with what they mean, ids of the server, flags with =, files', async () => {
    const ask = (line: string) => `complete -C ${JSON.stringify(line)} | string replace \\t ' = ' ; echo .`;
    const lines = ['fist descr', 'fist get runs 0199b', 'fist get --output=js', 'fist describe ru', 'fist lint exam'];
    const script = ['fist completion fish | source', ...lines.map(ask)].join('\n');
    expect(await inShell('fish', ['--no-config', '-c'], script)).toEqual([
      expect.stringMatching(/^describe = Shows run\/ID/),
      '.',
      expect.stringMatching(/^0199bb = triage/),
      '.',
      '--output=json',
      '--output=jsonl',
      '--output=jsonpath=',
      '.',
      'run/',
      '.',
      'examined.yaml',
      '.',
      '',
    ]);
  });
});

describe.skipIf(!has('pwsh'))(titleOf('pwsh'), () => {
  test('words, ids of the server', async () => {
    const ask = (line: string) =>
      `([System.Management.Automation.CommandCompletion]::CompleteInput('${line}', ${line.length}, $null)).CompletionMatches.CompletionText -join ' '`;
    const lines = ['fist descr', 'fist get runs 0199b', 'fist describe ru'];
    const script = ['fist completion powershell | Out-String | Invoke-Expression', ...lines.map(ask)].join('\n');
    expect(await inShell('pwsh', ['-NoProfile', '-NonInteractive', '-Command'], script)).toEqual([
      'describe',
      '0199bb',
      'run/',
      '',
    ]);
  });
});
