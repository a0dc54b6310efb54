import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { investigate } from '../src/investigation/investigate.ts';
import { compareWithExpected } from '../src/app/expected.ts';
import type { Expected } from '../src/app/expected.ts';
import type { AgentResult } from '../src/core/finding.ts';
import type { AlertSnapshot } from '../src/core/run.ts';
import { openDump } from '../src/kube/dump/dump.ts';

const examples = fileURLToPath(new URL('../examples', import.meta.url));
const scenarios = readdirSync(examples).filter((name) => existsSync(`${examples}/${name}/dump`));

interface Payload {
  readonly alerts: readonly {
    readonly labels: Record<string, string>;
    readonly annotations: Record<string, string>;
    readonly startsAt: string;
  }[];
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(`${examples}/${path}`, 'utf8'));
}

function firstAlert(scenario: string): AlertSnapshot {
  const alert = (readJson(`${scenario}/alert.json`) as Payload).alerts[0];
  if (alert === undefined) throw new Error(`${scenario}/alert.json has no alerts`);
  const { labels, annotations } = alert;
  return {
    id: scenario,
    name: labels['alertname'] ?? 'unknown',
    fingerprint: scenario,
    severity: 'warning',
    status: 'firing',
    episode: 1,
    labels,
    annotations,
    summary: annotations['summary'] ?? null,
    description: annotations['description'] ?? null,
    generatorUrl: null,
    startsAt: new Date(alert.startsAt).toISOString(),
    endsAt: null,
  };
}

async function replay(scenario: string): Promise<AgentResult> {
  const { result, failure } = await investigate({
    cluster: await openDump(`${examples}/${scenario}/dump`),
    alert: firstAlert(scenario),
    asked: '',
    firstEvidenceNumber: 1,
    refusal: null,
    now: () => '2026-12-01T00:00:00.000Z',
    signal: new AbortController().signal,
  });
  expect(failure).toBeNull();
  return result;
}

describe.each(scenarios)('example %s', (scenario) => {
  test('finds what it is expected to find, and nothing that it must not say', async () => {
    const result = await replay(scenario);
    const expected = readJson(`${scenario}/expected.json`) as Expected;
    // What a model finds, no analyzer does; test/demo.test.ts has the rest.
    const needsModel = existsSync(`${examples}/${scenario}/answers`);
    if (needsModel) expect(result).toMatchObject({ root_cause: null, model: null });
    else expect(compareWithExpected(result, expected)).toEqual([]);
    // Evidence may show anything, as data; what the report claims may not.
    const [claims = ''] = result.report.split('## Evidence');
    for (const text of expected.must_not_include) expect(claims).not.toContain(text);
  });

  test('gives the same result twice, and the findings do not change with the order of reads', async () => {
    expect(await replay(scenario)).toEqual(await replay(scenario));
  });

  test('never shows a control character', async () => {
    const result = await replay(scenario);
    // oxlint-disable-next-line no-control-regex -- control characters are the subject
    expect(JSON.stringify(result)).not.toMatch(
      /\\u00(?:0[0-8bcef]|1[0-9a-f]|7f|[89][0-9a-f])|[\u007f-\u009f\u202a-\u202e]/,
    );
  });
});

test('there are examples', () => {
  expect(scenarios.length).toBeGreaterThanOrEqual(3);
});
