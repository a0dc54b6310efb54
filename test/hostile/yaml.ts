import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logLines } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import type { HostileInput } from './define.ts';

/** A resource file that comes while the server runs, and goes again. */
const file = (name: string, text: () => string, quick = false): HostileInput => ({
  name: `yaml ${name}`,
  quick,
  async run({ server, resources }) {
    const loads = () =>
      logLines(server.process.stderr()).filter(({ message }) => message === 'resources loaded').length;
    const path = join(resources, 'zz-hostile.yaml');
    for (const change of [() => writeFileSync(path, text()), () => rmSync(path)]) {
      const before = loads();
      change();
      await waitFor('the resources to be read again', () => loads() > before, { timeoutMs: 120_000 });
    }
  },
});

const lines = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join('\n');

/** YAML of a resource folder. */
export const yaml: readonly HostileInput[] = [
  file('that repeats a key', () => 'a: 1\na: 2\n', true),
  file('with many keys', () => `kind: ConfigMap\ndata:\n${lines(100_000, (at) => `  key${at}: ${at}`)}`),
  file('with many repeated keys', () => `kind: ConfigMap\ndata:\n${lines(50_000, (at) => `  key${at % 10}: ${at}`)}`),
  file('with deep nesting', () => '['.repeat(100_000)),
  file('with nested maps', () => `a: ${'{a: '.repeat(20_000)}`),
  file(
    'with an alias bomb',
    () => `a0: &a0 x\n${lines(30, (at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}, *a${at}, *a${at}]`)}`,
  ),
  file(
    'with merge keys',
    () => `a0: &a0 {x: 1}\n${lines(2000, (at) => `a${at + 1}: &a${at + 1} {<<: *a${at}, k${at}: 1}`)}`,
  ),
  file('of many documents', () => lines(20_000, () => '---\nkind: ConfigMap\napiVersion: v1')),
  file('of many Workflows', () =>
    lines(
      1500,
      (at) => `---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: many-${at} }
spec:
  steps:
    - { name: one, type: cli, command: "printf '%s' {{ .alert.name }}" }
    - { name: two, type: conditional, condition: '{{ .alert.severity }} == critical' }`,
    ),
  ),
  file('of one long text', () => `kind: ConfigMap\ndata: "${'\\u00e9 '.repeat(600_000)}"`),
  file('of wrong fields', () =>
    lines(
      500,
      (at) =>
        `---\napiVersion: punchingfist.io/v1alpha1\nkind: Workflow\nmetadata: { name: wrong-${at} }\nspec: { ${lines(50, (field) => `wrong${field}: 1,`)} }`,
    ),
  ),
];
