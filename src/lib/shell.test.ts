import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

/** Runs a rendered command in an empty folder; any file that appears there was made by an injection. */
function run(
  shell: string,
  template: string,
  data: unknown,
): { readonly output: string; readonly errors: string; readonly files: readonly string[] } {
  const { script, environment } = renderCommand(template, data);
  const words = shell.endsWith('busybox') ? ['sh', '-c', script] : ['-c', script];
  const result = spawnSync(shell, words, {
    // bash takes a socket on its standard input for a remote login and reads ~/.bashrc.
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    encoding: 'utf8',
  });
  return { output: result.stdout, errors: result.stderr, files: readdirSync(folder) };
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
  [`show() { printf '<%s>' "$@"; }; show {{ .x }} '{{ .x }}'`, (value) => `<${value}><${value}>`],
  [`(printf '<%s>' {{ .x }}); { printf '<%s>' {{ .x }}; }`, (value) => `<${value}><${value}>`],
  [`A={{ .x }} sh -c 'printf "<%s>" "$A"'`, (value) => `<${value}>`],
  [`env A={{ .x }} sh -c 'printf "<%s>" "$A"'`, (value) => `<${value}>`],
  [`if [ {{ .x }} = "{{ .x }}" ]; then printf yes; else printf no; fi`, () => 'yes'],
  [`printf '<%s>' {{ .x }} | cat 2>/dev/null`, (value) => `<${value}>`],
  [`printf \\\n  '<%s>' \\\n  {{ .x }} # it's a "comment" \`(\n`, (value) => `<${value}>`],
  [`cat <<'EOF' >/dev/null\nit's "quoted" $( \`\nEOF\nprintf '<%s>' {{ .x }}`, (value) => `<${value}>`],
  [`: \`printf "it's"\` \${HOME:-"}'"} $((1+(2*3))) "$(printf ')')"; printf '<%s>' {{ .x }}`, (value) => `<${value}>`],
  [`printf '<%s>' "\\$ {{ .x }} \\" {{ .x }}" \\'{{ .x }}`, (value) => `<$ ${value} " ${value}><'${value}>`],
  [`export V={{ .x }}; sh -c 'printf "<%s>" "$V"'`, (value) => `<${value}>`],
  [
    `{{ range .l }}printf '<%s>' {{ . }}; {{ end }}{{ if .x }}printf '%s' "{{ .x }}"{{ end }}`,
    (value) => `<${value}><b>${value}`,
  ],
  [`{{ define "t" }}"{{ . }}"{{ end }}printf '<%s>' {{ template "t" .x }}`, (value) => `<${value}>`],
  [`set -- {{ .x }} b; printf '<%s>' "pre$1" "$2" "$#"`, (value) => `<pre${value}><b><2>`],
];

/** All contexts in one script, so that each value needs one process per shell. */
const everyContext = contexts.map(([template]) => template).join("\nprintf '\\n--\\n'\n");

describe.each(contexts)('%s', (template) => {
  it('passes lint', () => {
    expect(lintCommand(template)).toEqual([]);
  });
});

describe.each(shells)('in %s', (shell) => {
  it.each(malicious.map((value) => [value]))('%j is data in every context', (value) => {
    const expected = contexts.map(([, output]) => output(value)).join('\n--\n');
    expect(run(shell, everyContext, { x: value, y: 'touch pwned', l: [value, 'b'] })).toEqual({
      output: expected,
      errors: '',
      files: [],
    });
  });

  it('gives values that begin with - only to places that take them', () => {
    for (const value of dashed) {
      for (const template of [
        `printf -- '<%s>' {{ .x }}`,
        `printf -- '<%s>' "{{ .x }}"`,
        `printf '<%s>' ={{ .x }}`,
        `v={{ .x }}; printf '<%s>' "=$v"`,
      ]) {
        const sign = template.includes('=') ? '=' : '';
        expect(run(shell, template, { x: value })).toEqual({ output: `<${sign}${value}>`, errors: '', files: [] });
      }
    }
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

  it('is a value that begins a word with -', () => {
    for (const value of dashed) {
      for (const template of [
        'ls {{ .x }}',
        'ls "{{ .x }}"',
        "ls '{{ .x }}'",
        'ls ""{{ .x }}',
        'ls {{ .empty }}{{ .x }}',
        'v={{ .x }}; ls "$v"',
        'for v in {{ .x }}; do ls "$v"; done',
        'set -- a; set {{ .x }}',
        'kubectl exec p -- ls {{ .x }}',
        'sudo -- ls {{ .x }}',
        'ls "$(cat {{ .x }})"',
      ]) {
        expect([template, codeOf(template, { x: value })]).toEqual([template, 'UnsafeArgument']);
      }
      expect(codeOf('ls -- {{ .x }}', { x: value })).toBe('none');
      expect(codeOf('kubectl exec p -- ls -- {{ .x }}', { x: value })).toBe('none');
      expect(codeOf('ls --file={{ .x }} a{{ .x }}', { x: value })).toBe('none');
    }
  });

  it('is an empty value that leaves a word beginning with -', () => {
    expect(codeOf('ls {{ .x }}-{{ .y }}', { x: '', y: 'rf' })).toBe('UnsafeArgument');
    expect(codeOf('ls {{ .x }}-{{ .y }}', { x: 'a', y: 'rf' })).toBe('none');
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
    const command = `kubectl -n {{ .namespace }} logs "{{ .pod }}" '{{ .missing }}' --tail={{ .tail | default 100 }}`;
    expect(renderCommand(command, { namespace: 'shop', pod: 'web-1' })).toEqual({
      script: `kubectl -n "\${FIST_1}" logs "\${FIST_2}" ''"\${FIST_3}"'' --tail="\${FIST_4}"`,
      environment: { FIST_1: 'shop', FIST_2: 'web-1', FIST_3: '', FIST_4: '100' },
    });
  });

  it('refuses what lint refuses, with the place', () => {
    expect(() => renderCommand('echo ok\nsh -c {{ .x }}', { x: 'a' }, { name: 'check' })).toThrow(TemplateError);
    expect(() => renderCommand('echo ok\nsh -c {{ .x }}', { x: 'a' }, { name: 'check' })).toThrow(
      'template check, line 2, column 7: {{ .x }}: sh would run the value as code',
    );
  });

  it('refuses a script that uses the names of the values', () => {
    expect(() => renderCommand('FIST_1=a; echo {{ .x }}', { x: 'a' })).toThrow('reserved');
  });
});
