import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { lintPath } from './lint.ts';
import { tryEvent } from './try-event.ts';

const receivedAt = '2026-03-01T12:00:00.000Z';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

function folder(config: string): string {
  const path = cleanup.temporaryFolder('event');
  writeFileSync(
    join(path, 'source.yaml'),
    `apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: {name: s}
spec:
  type: webhook
  triggerWorkflow: w
  config:
    path: s
    authentication: {type: none}
${config}
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: {name: w}
spec: {steps: [{name: a, type: agent, goal: g}]}
`,
  );
  return path;
}

const mapping = `    format: generic
    filters: {severity: [critical]}
    mapping:
      name: '{{ .item.title }}'
      labels:
        site: '{{ index .item.list 3 }}'`;

test('a template that fails on the body is told with its place', async () => {
  const path = folder(mapping);
  const [tried] = await tryEvent(path, Buffer.from('{"title":"Down","list":[]}'), receivedAt);
  expect(tried).toMatchObject({ source: 'default/s', refused: null, alerts: [] });
  expect(tried?.problems).toMatchObject([
    { line: 15, field: 'spec.config.mapping.labels.site', message: expect.stringContaining('mapping.labels.site: ') },
  ]);
});

test('what comes out, and what filters keep out', async () => {
  const [tried] = await tryEvent(folder(mapping), Buffer.from('{"title":"Down","list":[0,1,2,"eu"]}'), receivedAt);
  expect(tried?.alerts).toMatchObject([
    { alert: { name: 'Down', labels: { site: 'eu' } }, filtered: expect.stringContaining('severity') },
  ]);
});

test('a body that is refused', async () => {
  const [tried] = await tryEvent(folder('    format: grafana'), Buffer.from('{"alerts":[]}'), receivedAt);
  expect(tried?.refused).toContain('version is missing');
});

test('lint finds templates that do not parse, and roots that are nothing', async () => {
  const path = folder(`    format: generic
    mapping:
      name: '{{ .title }}'
      severity: '{{ .item.level | nothing }}'`);
  const problems = (await lintPath(path)).map(({ line, column, severity, message, next }) => [
    line,
    column,
    severity,
    message,
    next,
  ]);
  expect(problems).toEqual([
    [12, 14, 'warning', '.title is always empty here', 'did you mean .item.title? there are .item, .body'],
    [13, 35, 'error', 'template: function "nothing" is not defined', undefined],
  ]);
});
