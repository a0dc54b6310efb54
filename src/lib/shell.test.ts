import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInShell } from '../../test/support/shell-runs.ts';
import { AppError } from '../core/errors.ts';
import { lintCommand, maximumValueBytes, renderCommand } from './shell.ts';
import { TemplateError } from './template/error.ts';
import { renderTemplate } from './template/index.ts';

/** The shells of this machine, each once; /bin/sh is one of them. */
const shells = [
  ...new Set(
    ['/bin/sh', '/bin/dash', '/bin/bash', '/bin/busybox']
      .filter((path) => existsSync(path))
      .map((path) => realpathSync(path)),
  ),
];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fist-shell-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs templates with their data in an empty folder; any file that appears there was made by an injection. */
function run(shell: string, commands: readonly (readonly [template: string, data: unknown])[]): readonly object[] {
  const rendered = commands.map(([template, data]) => renderCommand(template, data));
  return runInShell(shell, rendered, { cwd: folder, searchPath: process.env['PATH'] ?? '' }).map(
    ({ output, errors, files }) => ({ output, errors, files }),
  );
}

const malicious: readonly string[] = [
  '',
  ' ',
  '  two  words  ',
  '\t\n',
  'plain',
  '*',
  '?',
  '[a-z]*',
  '/etc/p*',
  '~',
  '~root',
  '$HOME',
  '${HOME}',
  '$PATH',
  '$$',
  '$?',
  '$#',
  '$@',
  '$FIST_1',
  '${FIST_1}',
  '$(touch pwned)',
  '"$(touch pwned)"',
  "'$(touch pwned)'",
  '`touch pwned`',
  '"`touch pwned`"',
  '; touch pwned',
  '& touch pwned',
  '&& touch pwned',
  '|| touch pwned',
  '| touch pwned',
  '\ntouch pwned\n',
  '\r\ntouch pwned',
  '"; touch pwned; "',
  "'; touch pwned; '",
  '\'"; touch pwned; "\'',
  '"\'; touch pwned; \'"',
  '" touch pwned "',
  "' touch pwned '",
  '"',
  "'",
  '\\',
  '\\\\',
  '\\"',
  "\\'",
  '\\n',
  'trailing\\',
  '> pwned',
  '>pwned',
  '>> pwned',
  '2> pwned',
  '< /etc/passwd',
  '<<EOF',
  '<(touch pwned)',
  '>(touch pwned)',
  ') touch pwned (',
  '); touch pwned; (',
  '}; touch pwned; {',
  ';; *) touch pwned;; esac; touch pwned;',
  'esac',
  'done; touch pwned',
  'fi; touch pwned',
  '# comment',
  '#',
  '!',
  '!!',
  '(',
  ')',
  '{a,b}',
  '{',
  '$((1+1))',
  '$[1+1]',
  'a[$(touch pwned)]',
  '`',
  '${IFS}touch${IFS}pwned',
  '%s%s%n',
  '\u001b[31mred',
  '\u0007\b\u007f',
  'é日本😀',
  '\u00a0\u2028\ufeff',
  'x'.repeat(5000),
  'A=b',
  'PATH=/tmp',
  '=',
  '&',
  '|',
  ';',
  '\n',
  'eval touch pwned',
  '() { :; }; touch pwned',
  '{{ .y }}',
  '<no value>',
];

/** Values that begin like options, which only some places take. */
const dashed: readonly string[] = [
  '-',
  '--',
  '-rf',
  '--help',
  '-n $(touch pwned)',
  '-- ; touch pwned',
  '-e',
  '-$(touch pwned)',
];

/** Each prints what the shell made of the value, and what that must be. */
const contexts: readonly (readonly [string, (value: string) => string])[] = [
  [`printf '<%s>' {{ .x }}`, (value) => `<${value}>`],
  [`printf '<%s>' "{{ .x }}"`, (value) => `<${value}>`],
  [`printf '<%s>' '{{ .x }}'`, (value) => `<${value}>`],
  [
    `printf '<%s>' pre{{ .x }}post "pre {{ .x }} post" 'pre {{ .x }} post' pre_"{{ .x }}"'{{ .x }}'_post`,
    (value) => `<pre${value}post><pre ${value} post><pre ${value} post><pre_${value}${value}_post>`,
  ],
  [
    `printf '<%s>' {{ .x }}{{ .x }} {{ .x }} "{{ .x }}{{ .x }}"`,
    (value) => `<${value}${value}><${value}><${value}${value}>`,
  ],
  [`printf '<%s>' --name={{ .x }} -n"{{ .x }}"`, (value) => `<--name=${value}><-n${value}>`],
  [`printf '<%s>' "$(printf '%s.' {{ .x }})"`, (value) => `<${value}.>`],
  [`printf '<%s>' "$(printf '%s.' "$(printf '%s.' '{{ .x }}')")"`, (value) => `<${value}..>`],
  [`v={{ .x }}; printf '<%s>' "$v"`, (value) => `<${value}>`],
  [`v="a{{ .x }}"'{{ .x }}'; printf '<%s>' "$v" "\${v}"`, (value) => `<a${value}${value}><a${value}${value}>`],
  [`for v in {{ .x }} "{{ .x }}" b; do printf '<%s>' "$v"; done`, (value) => `<${value}><${value}><b>`],
  [`case {{ .x }} in {{ .x }}) printf same;; *) printf other;; esac`, () => 'same'],
  [`case '{{ .x }}' in a"{{ .x }}"|b{{ .x }}) printf wrong;; (*) printf right;; esac`, () => 'right'],
  [`(printf '<%s>' {{ .x }}); { printf '<%s>' {{ .x }}; }`, (value) => `<${value}><${value}>`],
  [`if [ {{ .x }} = "{{ .x }}" ]; then printf yes; else printf no; fi`, () => 'yes'],
  [`printf '<%s>' {{ .x }} | cat 2>/dev/null`, (value) => `<${value}>`],
  [`printf \\\n  '<%s>' \\\n  {{ .x }} # it's a "comment" \`(\n`, (value) => `<${value}>`],
  [`printf '<%s>' "\\$ {{ .x }} \\" {{ .x }}" \\'{{ .x }}`, (value) => `<$ ${value} " ${value}><'${value}>`],
  [
    `{{ range .l }}printf '<%s>' {{ . }}; {{ end }}{{ if .x }}printf '%s' "{{ .x }}"{{ end }}`,
    (value) => `<${value}><b>${value}`,
  ],
  [`{{ define "t" }}"{{ . }}"{{ end }}printf '<%s>' {{ template "t" .x }}`, (value) => `<${value}>`],
];

/** One script, so that each value needs one process per shell. */
function inOneScript(some: typeof contexts): string {
  return some.map(([template]) => template).join("\nprintf '\\n--\\n'\n");
}

describe.each(contexts)('%s', (template) => {
  it('passes lint', () => {
    expect(lintCommand(template)).toEqual([]);
  });
});

/** An empty value may stand in text only. */
function contextsFor(value: string): typeof contexts {
  return contexts.filter(([template]) => value !== '' || !/v=|for v/.test(template));
}

describe.each(shells)('in %s', (shell) => {
  let ran: readonly object[];
  beforeAll(() => {
    ran = run(
      shell,
      malicious.map((value) => [inOneScript(contextsFor(value)), { x: value, y: 'touch pwned', l: [value, 'b'] }]),
    );
  });

  it.each(malicious.map((value, place) => [value, place] as const))('%j is data in every context', (value, place) => {
    const expected = contextsFor(value).map(([, output]) => output(value));
    expect(ran[place]).toEqual({ output: expected.join('\n--\n'), errors: '', files: [] });
  });

  it('leaves values that begin with - as they are in text', () => {
    const templates = [`printf -- '<%s>' {{ .x }}`, `printf '<%s>' "{{ .x }}"`, `printf '<=%s>' ={{ .x }}`];
    const cases = dashed.flatMap((value) => templates.map((template) => [template, { x: value }] as const));
    expect(run(shell, cases)).toEqual(
      cases.map(([template, { x }]) => ({
        output: `<${template.includes('=') ? '==' : ''}${x}>`,
        errors: '',
        files: [],
      })),
    );
  });
});

it('would notice an injection', () => {
  const script = renderTemplate("printf '<%s>' {{ .x }}", { x: '; touch pwned' });
  spawnSync('/bin/sh', ['-c', script], { cwd: folder, stdio: 'ignore' });
  expect(readdirSync(folder)).toEqual(['pwned']);
  rmSync(join(folder, 'pwned'));
});

describe('UnsafeArgument', () => {
  function codeOf(template: string, data: unknown): string {
    try {
      renderCommand(template, data);
    } catch (thrown) {
      if (thrown instanceof AppError) return thrown.code;
      throw thrown;
    }
    return 'none';
  }

  const places = [
    'kubectl get pod -- {{ .x }}',
    'kubectl get pod/{{ .x }}',
    'kubectl -n {{ .x }} get pods',
    'kubectl -n"{{ .x }}" get pods',
    "kubectl --namespace='{{ .x }}' get pods",
    'kubectl get pods -l app={{ .x }}',
    'v={{ .x }}; kubectl get pod -- "$v"',
    'for v in a {{ .x }}; do kubectl get pod -- "$v"; done',
    'echo "$(kubectl get pod -- {{ .x }})"',
    'curl "http://127.0.0.1/{{ .x }}"',
    'curl -d {{ .x }} http://127.0.0.1/',
    'cat "/var/log/{{ .x }}"',
    'jq -n --arg v {{ .x }} 1',
    'basename -- {{ .x }}',
  ];

  it('is a value that is empty, begins with - or @, or has parts . or .. of a path', () => {
    const values = [
      '',
      ...dashed,
      '@',
      '@/etc/passwd',
      '..',
      '../..',
      'a/../b',
      'a/..',
      '.',
      './a',
      'a/.',
      '%2e%2e/a',
      '..\\a',
    ];
    for (const template of places) {
      for (const value of values) {
        expect([template, value, codeOf(template, { x: value })]).toEqual([template, value, 'UnsafeArgument']);
      }
      for (const value of ['a', 'a-b', 'a@b', '...', '.a', 'a.', 'a..b', ' ', '*']) {
        expect([template, value, codeOf(template, { x: value })]).toEqual([template, value, 'none']);
      }
    }
  });

  it('is a value that begins with / where it is joined to a path or a URL', () => {
    for (const template of [
      'kubectl get pod/{{ .x }}',
      'curl "http://h/{{ .x }}"',
      'cat "/var/log/{{ .x }}"',
      'ls -- "a{{ .x }}"',
    ]) {
      expect([template, codeOf(template, { x: '/etc' })]).toEqual([template, 'UnsafeArgument']);
    }
    expect(codeOf('kubectl get pod -- "{{ .x }}/{{ .y }}"', { x: '/etc', y: 'a' })).toBe('UnsafeArgument');
    expect(codeOf('kubectl get pod -- "{{ .x }}{{ .y }}"', { x: 'a/.', y: '.' })).toBe('UnsafeArgument');
    expect(codeOf('basename -- {{ .x }}', { x: '/etc/hosts' })).toBe('none');
    expect(codeOf('kubectl get pods -l path={{ .x }}', { x: '/etc' })).toBe('none');
  });

  it('is what curl would make other paths, other requests or other headers of', () => {
    for (const value of ['{..}/{..}/admin', '[1-999999999]', 'a]', 'b}']) {
      expect([value, codeOf('curl "http://h/a/{{ .x }}"', { x: value })]).toEqual([value, 'UnsafeArgument']);
      expect([value, codeOf('curl -G --data-urlencode "q={{ .x }}" http://h/', { x: value })]).toEqual([value, 'none']);
    }
    for (const value of ['a\r\nX: b', 'a\nb', 'a\r']) {
      for (const option of ['-H "X: {{ .x }}"', '--header="X: {{ .x }}"', '-A {{ .x }}', '--user-agent={{ .x }}'])
        expect([option, codeOf(`curl ${option} http://h/`, { x: value })]).toEqual([option, 'UnsafeArgument']);
      expect(codeOf('curl --data-raw {{ .x }} http://h/', { x: value })).toBe('none');
    }
  });

  it('is the same of a variable that the step brings, in a command with values', () => {
    const code = (command: string, y: string): string => {
      try {
        renderCommand(command, { x: 'a' }, { variables: { y } });
      } catch (thrown) {
        if (thrown instanceof AppError) return `${thrown.code} ${thrown.message}`;
        throw thrown;
      }
      return 'none';
    };
    const header = 'curl -H "Authorization: Bearer $y" "http://h/{{ .x }}"';
    expect([code(header, 'token'), code('curl -H "X: $y" http://h/', 'a\nb')]).toEqual(['none', 'none']);
    expect(code(header, 'a\nX: b')).toBe(
      'UnsafeArgument Command, line 1, column 1: $y: the value has a line break, behind which another header would begin.',
    );
    const url = 'curl "http://h/?q={{ .x }}&r=${y:-b}"';
    expect([code(url, 'c'), code(url, '[1-9]').slice(0, 14)]).toEqual(['none', 'UnsafeArgument']);
    expect(code('y=b; curl "http://h/?q=$y&r={{ .x }}"', 'c')).toBe('none');
  });

  it('is a . or .. that two values make together', () => {
    const codes = ['e/admin', 'd/admin'].map((y) => codeOf('curl "http://h/{{ .x }}{{ .y }}"', { x: 'a/.%2', y }));
    expect(codes).toEqual(['UnsafeArgument', 'none']);
  });

  it('is nothing of this in text', () => {
    for (const template of [
      'echo {{ .x }}',
      'echo "a/{{ .x }}"',
      "printf '%s' {{ .x }}",
      '[ -n {{ .x }} ]',
      'test {{ .x }} = a',
    ]) {
      for (const value of ['', '-rf', '@a', '..', '/etc']) expect(codeOf(template, { x: value })).toBe('none');
    }
    expect(codeOf('case {{ .x }} in {{ .y }}) ;; esac', { x: '', y: '-' })).toBe('none');
  });

  it('is a script that no system takes, or with very many values', () => {
    const render = (count: number, literal: string) =>
      codeOf(`{{ range .l }}echo ${literal} {{ . }}; {{ end }}`, { l: Array.from({ length: count }, () => 'a') });
    expect(render(2_000, 'a')).toBe('none');
    expect(render(2_001, 'a')).toBe('UnsafeArgument');
    expect(render(1_000, 'a'.repeat(100))).toBe('none');
    expect(render(1_000, 'a'.repeat(120))).toBe('UnsafeArgument');
  });

  it('is NUL and what is too large', () => {
    expect(codeOf('echo {{ .x }}', { x: 'a\0b' })).toBe('UnsafeArgument');
    expect(codeOf('echo {{ .x }}', { x: 'é'.repeat(maximumValueBytes / 2) })).toBe('none');
    expect(codeOf('echo {{ .x }}', { x: `${'é'.repeat(maximumValueBytes / 2)}a` })).toBe('UnsafeArgument');
    expect(codeOf('{{ range 20 }}echo {{ $.x }}; {{ end }}', { x: 'x'.repeat(maximumValueBytes) })).toBe(
      'UnsafeArgument',
    );
  });
});

describe('renderCommand', () => {
  it('puts values into the environment, in order', () => {
    const command = `kubectl -n {{ .namespace }} logs --tail={{ .tail | default 100 }} -- "{{ .pod }}"; echo '{{ .missing }}'`;
    expect(renderCommand(command, { namespace: 'shop', pod: 'web-1' })).toEqual({
      script: `kubectl -n "\${FIST_1}" logs --tail="\${FIST_2}" -- "\${FIST_3}"; echo ''"\${FIST_4}"''`,
      environment: { FIST_1: 'shop', FIST_2: '100', FIST_3: 'web-1', FIST_4: '' },
    });
  });

  it('refuses what lint refuses, with the place', () => {
    expect(() => renderCommand('echo ok\nsh -c {{ .x }}', { x: 'a' }, { name: 'check' })).toThrow(TemplateError);
    expect(() => renderCommand('echo ok\nsh -c {{ .x }}', { x: 'a' }, { name: 'check' })).toThrow(
      'template check, line 1, column 1: sh is not one of the programs that a command with template values may run',
    );
  });

  it('refuses a script that uses the names of the values', () => {
    expect(() => renderCommand('FIST_1=a; echo {{ .x }}', { x: 'a' })).toThrow('reserved');
  });
});
