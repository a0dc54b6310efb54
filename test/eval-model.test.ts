import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { modelFigures } from '../src/app/evaluation/model-text.ts';
import type { Evaluation } from '../src/app/evaluation/evaluate.ts';
import type { AgentResult } from '../src/core/finding.ts';
import { createCleanup } from './support/cleanup.ts';
import { startModelServer } from './support/model-server.ts';
import type { ModelServer, ScriptedAnswer } from './support/model-server.ts';
import { repositoryRoot } from './support/processes.ts';
import { runFist } from './support/program.ts';

// Commands that ask a model with no server of ours: a scripted model over its wire, and what it said, said again.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const cases = `${repositoryRoot}examples/eval`;
const asked = 'sts-partition';
let model: ModelServer;
let folder: string;
beforeEach(async () => {
  model = await startModelServer();
  cleanup.defer(() => model.stop());
  folder = cleanup.temporaryFolder('eval-model');
});

const answer: ScriptedAnswer = {
  json: {
    summary: 'It is the node.',
    cause: {
      statement: 'The node has no memory left.',
      object: 'node/worker-1',
      since: null,
      confidence_percent: 99,
      evidence: [{ id: 'e99', quote: 'out of memory everywhere' }],
    },
    findings: [
      { statement: 'All is lost.', object: 'node/worker-1', severity: 'high', evidence: [{ id: 'e1', quote: 'lost' }] },
    ],
    hypotheses: [],
    next: [],
  },
};

const named = (...more: readonly string[]) => [
  '--model',
  'openai-compatible/m',
  '--endpoint',
  model.endpoint('chat'),
  ...more,
];

async function evaluation(...args: readonly string[]): Promise<Evaluation> {
  const { code, out, err } = await runFist(['eval', cases, '--case', asked, ...args, '-o', 'json'], {
    LLM_API_KEY: model.key,
  });
  expect(`${code} ${code === 0 ? '' : err}`).toBe('0 ');
  return JSON.parse(out) as Evaluation;
}

describe('fist eval with a model', () => {
  test('says what the model did, cost and cited, and replays it without the model', async () => {
    model.say(...Array.from({ length: 4 }, () => [{ text: 'I know enough.' }, answer]).flat());
    const record = join(folder, 'answers');
    const first = await evaluation(...named('--record', record, '--runs', '2'));
    const figures = modelFigures(first);
    expect(figures).toMatchObject({
      model: 'openai-compatible/m',
      runs: 2,
      cases: 1,
      asked: 2,
      ended: [['concluded', 2]],
      better: 0,
      worse: 0,
      unsteady: [],
      requests: { min: 2, median: 2, max: 2 },
      cost_dollars: null,
      citations: { made: 4, existing: 2, quoted: 0 },
      dropped: 4,
      differing: 0,
    });
    expect(readdirSync(record).sort()).toEqual([`${asked}.1.json`, `${asked}.2.json`]);
    expect(readFileSync(join(record, `${asked}.1.json`), 'utf8')).not.toContain(model.key);
    const before = model.requests.length;
    const again = await evaluation('--model', `replay:${record}`, '--runs', '2');
    expect(modelFigures(again)).toEqual(figures);
    expect([model.requests.length, model.refusals]).toEqual([before, []]);
  });

  test('a recording that is not there, and flags that do not fit, are told before anything is asked', async () => {
    const fails = async (...args: readonly string[]) => {
      const { code, err } = await runFist(['eval', cases, '--case', asked, ...args]);
      return `${code} ${err}`;
    };
    expect(await fails('--model', `replay:${folder}`)).toMatch(/^2 .*sts-partition\.1\.json cannot be read/);
    expect(await fails('--runs', '3')).toMatch(/^2 .*--runs is of a model/);
    expect(await fails('--endpoint', 'http://127.0.0.1:1/v1')).toMatch(/^2 .*--model names none/);
    expect(await fails('--model', 'openai-compatible/m')).toMatch(/^2 .*needs an address/);
    expect(await fails('--model', 'anthropc/x')).toMatch(/^2 .*anthropc is no model provider[^]*anthropic/);
    expect(await fails('--model', 'anthropic')).toMatch(/^2 .*ANTHROPIC_API_KEY/);
    expect(await fails('--ask', 'often', '--model', 'none')).toMatch(/^2 .*neither unclear nor always/);
    expect(await fails('--case', 'sts-partitio')).toMatch(/^2 .*there is no case sts-partitio/);
  });
});

describe('fist investigate with a model', () => {
  const incident = ['investigate', '--alert', `${cases}/${asked}/alert.json`, '--dump', `${cases}/${asked}/dump`];

  test('says which model was asked and what it cost', async () => {
    model.say({ text: 'I know enough.' }, answer);
    const { code, out } = await runFist([...incident, ...named('--ask', 'always')], { LLM_API_KEY: model.key });
    expect(code).toBe(0);
    expect(out.replace(/\s+/g, ' ')).toMatch(
      /Model: openai-compatible\/m \(it gave an answer; 2 requests, 0 tool calls/,
    );
  });

  test('keeps what it said, and says it again without it; says where other things are asked than then', async () => {
    const record = join(folder, 'answers');
    model.say({ text: 'I know enough.' }, answer);
    const first = await runFist([...incident, ...named('--ask', 'always', '--record', record), '-o', 'json'], {
      LLM_API_KEY: model.key,
    });
    expect([first.code, readdirSync(record)]).toEqual([0, ['investigation.1.json']]);
    const before = model.requests.length;
    const replay = ['--model', `replay:${record}`, '--ask', 'always', '-o', 'json'];
    const again = await runFist([...incident, ...replay]);
    const report = JSON.parse(again.out) as AgentResult;
    expect(report).toMatchObject({
      model: 'openai-compatible/m',
      notice: 'Replayed: the answers of the model are those of a recording; nobody was asked.',
      model_use: { ended: 'concluded', dropped: 2 },
    });
    expect(report.root_cause).toBe((JSON.parse(first.out) as AgentResult).root_cause);
    expect([again.code, again.err, model.requests.length]).toEqual([0, '', before]);
    const other = await runFist(['investigate', '--label', 'alertname=Other', ...incident.slice(3), ...replay]);
    expect([other.code, other.err]).toEqual([
      0,
      '2 of 2 recorded answers were given to another request: a tool answers something else now, or the words changed\n',
    ]);
    const both = await runFist([...incident, ...replay, '--record', folder]);
    expect([both.code, both.err]).toEqual([2, expect.stringContaining('a replay asks none') as string]);
  });

  test('without one nothing is asked, and with one that cannot be reached the report is that of the analyzers', async () => {
    const report = async (...args: readonly string[]) => {
      const { code, out } = await runFist([...incident, ...args, '-o', 'json'], { LLM_API_KEY: 'wrong' });
      return { code, report: JSON.parse(out) as AgentResult };
    };
    const alone = await report();
    expect(alone).toMatchObject({ code: 0, report: { model: null, model_use: null } });
    const refused = await report(...named('--ask', 'always'));
    expect(refused.code).not.toBe(0);
    expect(refused.report.root_cause).toBe(alone.report.root_cause);
    expect(refused.report.notice).toContain('This report comes from the analyzers alone');
  });
});
