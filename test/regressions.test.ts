import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentResult } from '../src/core/finding.ts';
import type { StepRecord } from '../src/core/run.ts';
import { firing, resourceFixture, startTestApp } from './support/app.ts';
import type { RunDetail, TestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import { oomExample, oomPod, oomStart } from './support/incidents.ts';
import { createFakeClock } from './support/clock.ts';
import { once } from './support/once.ts';
import { isAlive } from './support/processes.ts';
import { startReceiver } from './support/receiver.ts';
import type { Receiver } from './support/receiver.ts';
import { slackToken, startSlack } from './support/slack.ts';
import type { FakeSlack } from './support/slack.ts';
import { waitFor } from './support/wait.ts';

// Defects of the first version (numbers of the project's list), each as the promise that replaces it: what becomes of an
// alert that came in. The intake, the store and the API are in regressions-intake.test.ts.

const cleanup = createCleanup();
let world: TestApp;
let receiver: Receiver;
let slack: FakeSlack;
/** Files that commands write. */
let out: string;

const guardToken = 'guard-token-for-tests';

beforeAll(async () => {
  receiver = await startReceiver();
  cleanup.defer(() => receiver.stop());
  slack = await startSlack(new Date().toISOString());
  cleanup.defer(() => slack.vendor.stop());
  out = cleanup.temporaryFolder('out');
  const bin = cleanup.temporaryFolder('bin');
  // The contract's example asks kubectl, which need not be installed here.
  writeFileSync(join(bin, 'kubectl'), '#!/bin/sh\nprintf "kubectl got"\nprintf " <%s>" "$@"\n', { mode: 0o755 });
  const path = process.env['PATH'] ?? '';
  process.env['PATH'] = `${bin}:${path}`;
  try {
    world = await startTestApp(cleanup, {
      files: {
        'main.yaml': resourceFixture('regressions/main.yaml', { OUT: out, RECEIVER: receiver.url }),
        'triage.yaml': resourceFixture('contract/triage.yaml').replace(
          'channel: "#alerts"',
          `channel: "#incidents"\n    endpoint: ${slack.vendor.url}/api`,
        ),
      },
      tokens: {
        'default/guard': guardToken,
        'monitoring/alertmanager-webhook': guardToken,
        'monitoring/slack-bot-token': slackToken,
      },
      dump: `${oomExample}/dump`,
      allowExec: true,
    });
  } finally {
    process.env['PATH'] = path;
  }
});
afterAll(() => cleanup.run());

/** Raises one alert and waits until its run and deliveries have ended. */
async function run(path: string, labels: Readonly<Record<string, string>>, more: object = {}, token?: string) {
  await world.notify(path, [firing(labels, 60_000, more)], token);
  return world.endedRun(labels['alertname'] ?? '');
}

function stepOf(detail: RunDetail, name: string): StepRecord {
  const found = detail.steps.findLast((step) => step.name === name);
  if (found === undefined) throw new Error(`no step ${name}: ${detail.steps.map((step) => step.name).join(', ')}`);
  return found;
}

function resultOf(detail: RunDetail, name: string): Readonly<Record<string, unknown>> {
  return stepOf(detail, name).result as Record<string, unknown>;
}

const stdoutOf = (detail: RunDetail, name: string) => String(resultOf(detail, name)['stdout']);

/** Processes of a group that still run. */
function groupOf(group: number): readonly string[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pgid=,stat=,args='], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => new RegExp(`^ *${group} +[^Z]`).test(line));
}

interface Body {
  readonly alert: { readonly alertname: string } | null;
  readonly workflow: object;
  readonly report: AgentResult | null;
}

/** Bodies that the receiver got about this alert. */
function received(alertname: string): readonly Body[] {
  return receiver.requests
    .map(({ json }) => json as unknown as Body)
    .filter(({ alert }) => alert?.alertname === alertname);
}

// What several tests look at.
const crashLooping = once(() => run('cause', { alertname: 'KubePodCrashLooping', ...oomPod }, oomStart));
const guardedRun = once(() => run('guarded', { alertname: 'Guarded', page: 'yes' }, {}, guardToken));
const commandsRun = once(async () => {
  process.env['FIST_TEST_SECRET'] = 'of-the-server';
  try {
    return await run('commands', { alertname: 'RunCommands' });
  } finally {
    delete process.env['FIST_TEST_SECRET'];
  }
});

describe('1, 2, 3: results arrive', () => {
  test('5.9.1 sinks run when a run has ended, and hold the true source and data', async () => {
    const detail = await crashLooping();
    expect(detail).toMatchObject({ status: 'succeeded', error: null });
    expect(detail.deliveries.map(({ sinkName, status }) => `${sinkName} ${status}`).sort()).toEqual([
      'printed sent',
      'receiver sent',
    ]);
    const [body, ...more] = received('KubePodCrashLooping');
    expect(more).toEqual([]);
    expect(body).toMatchObject({
      source: { name: 'cause', type: 'webhook', namespace: 'default' },
      workflow: { name: 'find-cause', namespace: 'default', status: 'succeeded' },
      data: { alertname: 'KubePodCrashLooping', alerts: [{ labels: oomPod }], labels: oomPod },
      run: { id: detail.id, status: 'succeeded' },
      report: { root_cause: expect.stringContaining('OOMKilled') as string },
    });
    expect(world.stdout()).toContain(`[printed] {"event":"run-finished","source":{"name":"cause"`);
  });

  test('5.9.2 spec.outputs are evaluated, and stand in the payload and the API', async () => {
    const detail = await crashLooping();
    expect(detail.outputs).toEqual({
      root_cause: expect.stringContaining('256Mi') as string,
      pod: oomPod.pod,
      runbooks: 'https://git.example/runbooks',
    });
    expect(received('KubePodCrashLooping')[0]?.workflow).toMatchObject({ outputs: detail.outputs });
    expect(await world.get(`/workflows/${detail.id}/outputs`)).toEqual(detail.outputs);
  });

  test('5.9.3 loading and changing a Workflow starts no run', async () => {
    const text = resourceFixture('regressions/queue.yaml', { OUT: out });
    const loaded = await startTestApp(cleanup, { files: { 'queue.yaml': text } });
    loaded.writeResources('queue.yaml', text.replace('sleep 0.05', 'sleep 0.06'));
    const changed = () =>
      JSON.stringify(loaded.app.catalog().workflow('default', 'note-times')?.plan).includes('sleep 0.06');
    await waitFor('the change to be loaded', changed);
    expect(await loaded.list('/api/v1/runs')).toEqual([]);
    expect(await loaded.list('/api/v1/workflows')).toHaveLength(3);
    await loaded.stop();
  });
});

describe('4, 5: the documented templates and examples work', () => {
  test('5.9.4 every root, all shapes of the data, hyphens, toJSON, default, if and range', async () => {
    const detail = await run(
      'templates',
      { alertname: 'AllTemplates', pod: 'web-1', lines: '3' },
      { annotations: { summary: 'says "hi" & <bye>' } },
    );
    expect(detail).toMatchObject({ status: 'succeeded', error: null });
    expect(detail.outputs).toEqual({
      'alert-shape': 'AllTemplates web-1 says "hi" & <bye>',
      'alerts-shape': 'web-1 firing',
      'flat-shape': 'AllTemplates web-1 says "hi" & <bye>',
      'default-used': 'unknown',
      'default-unused': 'web-1',
      source: 'templates production',
      hyphens: '{"lines": 3 } true',
      'as-json': '{"alertname":"AllTemplates","lines":"3","pod":"web-1"}',
      // As Go writes JSON.
      'text-as-json': String.raw`"says \"hi\" \u0026 \u003cbye\u003e"`,
      // Only what the Workflow declares: the server's own environment is not there.
      env: 'http://prometheus:9090[]',
      workflow: 'all-templates succeeded',
      'if-else': 'pod, not there',
      range: 'alertname;lines;pod;',
      not: 'false',
      'earlier-output': 'unknown',
    });
    expect(world.stdout()).toContain('[text] all-templates of templates: succeeded, http://prometheus:9090[], done\n');
  });

  test("5.9.5 the contract's example loads and runs: string tools, a nested agent with a goal only", async () => {
    const { conditions } = world.app.catalog().workflow('monitoring', 'triage') ?? { conditions: [] };
    expect(conditions).toMatchObject([{ type: 'Ready', status: 'True' }]);
    const detail = await run(
      'alerts',
      { ...oomPod, alertname: 'PodCrashLooping' },
      { annotations: { summary: 'crashes' } },
      guardToken,
    );
    expect(detail).toMatchObject({ status: 'succeeded', error: null });
    expect(stdoutOf(detail, 'get-pod-status')).toBe('kubectl got <get> <pods> <-n> <shop>');
    const result = resultOf(detail, 'investigate-alert') as unknown as AgentResult;
    expect(result.root_cause).toContain('OOMKilled');
    expect(detail.outputs).toEqual({ summary: result.summary, auto_resolved: 'false' });
    expect(resultOf(detail, 'auto-fix')).toMatchObject({ condition_met: false, branch: null });
    expect(detail.deliveries.map(({ sinkName, status }) => `${sinkName} ${status}`).sort()).toEqual([
      'close-alert skipped',
      'console sent',
      'slack-alerts sent',
    ]);
    expect(slack.shown()[0]).toMatch(/⟦style triage⟧ succeeded after \d+ s\n/);
    expect(world.stdout()).toContain('[console] Source alertmanager: warning\n');
  });
});

/** Label values that are code somewhere: in a shell, a template or a format. @FILE@ must never come to be. */
const nastyValues = [
  '$(touch @FILE@)',
  '`touch @FILE@`',
  '; touch @FILE@ ;',
  '"; touch @FILE@; "',
  "'; touch @FILE@; '",
  '\'"; touch @FILE@; "\'',
  '\\"; touch @FILE@; \\"',
  '&& touch @FILE@',
  '& touch @FILE@ &',
  '| touch @FILE@',
  '\ntouch @FILE@\n',
  '\r\ntouch @FILE@',
  '> @FILE@',
  '<(touch @FILE@)',
  '}; touch @FILE@; {',
  ')\ntouch @FILE@\n(',
  'EOF\ntouch @FILE@\nEOF',
  '# touch @FILE@',
  '${IFS}$(touch${IFS}@FILE@)',
  '$FIST_1 ${FIST_2} ${FIST_1:=$(touch @FILE@)}',
  '"${FIST_1}$(touch @FILE@)"',
  '$((1+1)) $[1+1] ~root * ? [a-z] {a,b} !! !1',
  '%s %n %% \\n \\0 \\x41 \\',
  '{{ .env.OUT }} {{ printf "%c" 0x41 }}',
  '[value 1] [value 2]',
  '  both ends\t ',
  '\u00e9\u202e\ufeff\u{1f600} \u2028',
  'a=b --not-first -x',
  '$',
  '"',
  "'",
  '\\',
];

describe('6: commands', () => {
  test('5.9.6 a command runs, sees the declared environment and nothing of the server', async () => {
    const detail = await commandsRun();
    expect(detail.status).toBe('succeeded');
    const output = stdoutOf(detail, 'environment');
    expect(output).toContain('team=storefront\n');
    expect(output.split('\n')[1]?.trim().split(' ')).toEqual([
      'FIST_ATTEMPT',
      'FIST_ATTEMPT_MARKER',
      'FIST_IDEMPOTENCY_KEY',
      'FIST_RUN_ID',
      'FIST_STEP_PATH',
      'PATH',
      'TEAM',
    ]);
  });

  test('5.9.6 a command that takes too long is killed with all its children, and the run goes on where told', async () => {
    const detail = await commandsRun();
    expect(stepOf(detail, 'slow')).toMatchObject({ status: 'failed', errorCode: 'Timeout' });
    expect(stdoutOf(detail, 'after')).toBe('still here\n');
    const pid = Number(readFileSync(join(out, 'slow.pid'), 'utf8'));
    expect(isAlive(pid)).toBe(false);
    expect(groupOf(pid)).toEqual([]);
  });

  test('5.9.6 label values are never executed, and arrive as they are, in every place of a command', async () => {
    const folder = cleanup.temporaryFolder('never');
    const values = nastyValues.map((value, place) => value.replaceAll('@FILE@', join(folder, String(place))));
    const { runs } = await world.notify(
      'nasty',
      values.map((nasty, place) => firing({ alertname: `Nasty${place}`, nasty })),
    );
    expect(runs).toBe(values.length);
    for (const [place, value] of values.entries()) {
      const detail = await world.endedRun(`Nasty${place}`);
      expect(detail, value).toMatchObject({ status: 'succeeded', error: null });
      const framed = `<${value}>`;
      expect(stdoutOf(detail, 'as-variable')).toBe(framed);
      const everyPlace = [value, framed, framed, value, `${value}.`, ''];
      expect(stdoutOf(detail, 'every-place').split('<|>')).toEqual(everyPlace);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([
    ['an option', '--recursive'],
    ['more than 32 KiB', 'x'.repeat(33 * 1024)],
  ])('5.9.6 a value that is %s fails the step and runs nothing', async (what, pod) => {
    const detail = await run('options', { alertname: `Unsafe ${what}`, pod });
    expect(detail.status).toBe('failed');
    expect(stepOf(detail, 'look')).toMatchObject({ status: 'failed', errorCode: 'UnsafeArgument', result: null });
  });

  test('5.9.6 NUL never gets as far as a command: no database holds it', async () => {
    const detail = await run('options', { alertname: 'Unsafe NUL', pod: 'a\u0000b' });
    expect(detail.input.alert?.labels['pod']).toBe('a\uFFFDb');
  });
});

describe('7, 8: steps decide about the run', () => {
  test('5.9.7 a step that fails fails the run; the rest is skipped, outputs and deliveries come all the same', async () => {
    const detail = await run('failures', { alertname: 'Fails' });
    expect(detail).toMatchObject({ status: 'failed', errorCode: 'CommandFailed', stepsCompleted: 1, totalSteps: 3 });
    expect(detail.error).toContain('second');
    expect(detail.steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'first succeeded',
      'second failed',
      'third skipped',
    ]);
    expect(stepOf(detail, 'second')).toMatchObject({
      errorCode: 'CommandFailed',
      error: 'the command ended with exit code 7: wrong',
    });
    expect(existsSync(join(out, 'third'))).toBe(false);
    expect(detail.outputs).toEqual({ first: 'made it', third: '' });
    expect(received('Fails')).toMatchObject([{ workflow: { status: 'failed', outputs: detail.outputs } }]);
    expect(await world.alertNamed('Fails')).toMatchObject({ status: 'escalated', workflowId: detail.id });
  });

  test.each([
    { wanted: 'true', team: 'storefront', steps: ['bare-then', 'is-equal', 'guarded'] },
    { wanted: 'false', team: 'payments', steps: ['bare-else', 'is-other', 'unequal-then'] },
    { wanted: '0', team: 'storefront == storefront', steps: ['bare-else', 'is-other', 'unequal-then'] },
    { wanted: '', team: '" == "', steps: ['bare-else', 'is-other', 'unequal-then'] },
  ])('5.9.8 conditions $wanted and $team choose their branches, which really run', async ({ wanted, team, steps }) => {
    const alertname = `Conditions ${wanted} ${team}`;
    const detail = await run('conditions', { ...oomPod, alertname, wanted, team });
    expect(detail).toMatchObject({ status: 'succeeded', error: null });
    const branches = detail.steps.filter(({ type, status }) => type !== 'conditional' && status === 'succeeded');
    expect(branches.map(({ name }) => name)).toEqual(steps);
    if (wanted === 'true') {
      expect(resultOf(detail, 'bare-then')).toMatchObject({ root_cause: expect.stringContaining('OOM') as string });
      expect(stdoutOf(detail, 'is-equal')).toBe('equal\n');
    }
    expect(resultOf(detail, 'never')).toMatchObject({ condition_met: false, branch: null });
  });
});

describe('9: no field is ignored', () => {
  test('5.9.9 authentication is asked for', async () => {
    const body = { version: '4', alerts: [firing({ alertname: 'WhoAsks', page: 'yes' })] };
    const answers = [{ authorization: '' }, { authorization: 'Bearer wrong' }, {}].map((headers) =>
      world.call('POST', '/webhook/guarded', body, headers),
    );
    for (const { status, headers } of await Promise.all(answers)) {
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toContain('Bearer');
    }
    expect(await world.list('/api/v1/alerts?name=WhoAsks')).toEqual([]);
    expect(await world.notify('guarded', body.alerts, guardToken)).toMatchObject({ opened: 1, runs: 1 });
  });

  test('5.9.9 the condition of a Sink decides, and a Source gives its context', async () => {
    const paged = await guardedRun();
    expect(stdoutOf(paged, 'seen')).toBe('https://git.example/runbooks\n');
    const quiet = await run('guarded', { alertname: 'Quiet' }, {}, guardToken);
    const statuses = (detail: RunDetail) =>
      Object.fromEntries(detail.deliveries.map(({ sinkName, status }) => [sinkName, status]));
    expect(statuses(paged)).toEqual({ pages: 'sent', 'no-pages': 'skipped' });
    expect(statuses(quiet)).toEqual({ pages: 'skipped', 'no-pages': 'sent' });
    const paths = (alertname: string) =>
      receiver.requests.filter(({ body }) => body.includes(`"${alertname}"`)).map(({ path }) => path);
    expect({ paged: paths('Guarded'), quiet: paths('Quiet') }).toEqual({ paged: ['/pages'], quiet: ['/no-pages'] });
  });

  test('5.9.9 approvalRequired: nothing is run without an approval', async () => {
    const detail = await guardedRun();
    expect(stepOf(detail, 'approved')).toMatchObject({
      status: 'failed',
      errorCode: 'Forbidden',
      error: expect.stringContaining('needs an approval') as string,
    });
    expect(existsSync(join(out, 'approved'))).toBe(false);
  });

  test('5.9.9 timeoutMinutes and maxIterations reach the plan, and impossible ones are refused', async () => {
    const planOf = (name: string) => world.app.catalog().workflow('default', name)?.plan;
    expect(planOf('settings')?.steps[1]).toMatchObject({ name: 'minutes', timeoutMs: 120_000 });
    expect(planOf('find-cause')?.steps[0]).toMatchObject({ config: { maxIterations: 7 } });
    const refused = await startTestApp(cleanup, {
      files: {
        'refused.yaml': resourceFixture('regressions/main.yaml')
          .replace('maxIterations: 7', 'maxIterations: 0')
          .replace('timeoutMinutes: 2', 'timeoutMinutes: -2'),
      },
    });
    for (const [name, field] of [
      ['find-cause', 'spec.steps[0].maxIterations'],
      ['settings', 'spec.steps[1].timeoutMinutes'],
    ] as const) {
      const workflow = refused.app.catalog().workflow('default', name);
      expect(workflow).toMatchObject({ ready: false, conditions: [{ type: 'Ready', reason: 'InvalidSpec' }] });
      expect(workflow?.conditions[0]?.message).toContain(field);
    }
    await refused.stop();
  });

  test('5.9.9 timeoutMinutes ends a command after so many minutes', async () => {
    const clock = createFakeClock(new Date().toISOString());
    const minutes = await startTestApp(cleanup, {
      files: { 'minutes.yaml': resourceFixture('regressions/minutes.yaml') },
      allowExec: true,
      clock,
    });
    await minutes.notify('minutes', [firing({ alertname: 'Minutes' })]);
    const id = (await minutes.alertNamed('Minutes')).workflowId;
    const step = async () => (await minutes.get<RunDetail>(`/api/v1/runs/${id}`)).steps[0];
    await waitFor('the command to start', async () => (await step())?.status === 'running');
    for (let seconds = 0; seconds < 110; seconds += 2) await clock.advance(2000);
    expect(await step()).toMatchObject({ status: 'running' });
    await waitFor('the time-out', async () => {
      await clock.advance(2000);
      return (await step())?.status === 'failed';
    });
    // Told by who looks first: the attempt's watch (120 s), or who runs the command (2m).
    expect(await step()).toMatchObject({
      errorCode: 'Timeout',
      error: expect.stringMatching(/ (120 s|2m)\b/) as string,
    });
    await minutes.stop();
  });
});

describe('10, 11: reports hold what was found', () => {
  test.each([
    ['an unknown provider', 'unknown-model', 'local-llama'],
    ['mock', 'mock-model', 'mock'],
  ])('5.9.10 %s fails the step loudly; what the analyzers found is kept and delivered', async (_, path, provider) => {
    const alertname = `Model ${provider}`;
    const detail = await run(path, { ...oomPod, alertname });
    expect(detail).toMatchObject({ status: 'failed', errorCode: 'ModelUnknown' });
    expect(stepOf(detail, 'investigate').error).toContain(`"${provider}" is no model provider`);
    const report = received(alertname)[0]?.report;
    expect(report).toMatchObject({ model: null, conversation: [], can_auto_fix: false, fix_command: null });
    expect(report?.summary).toMatch(new RegExp(`^llmConfig.provider "${provider}" is no model provider`));
    expect(report?.root_cause).toContain('OOMKilled');
    expect(report?.report).not.toMatch(/AUTO-?FIX/i);
  });

  test('5.9.10 no provider at all: the analyzers alone, and the report says so', async () => {
    const detail = await crashLooping();
    const result = resultOf(detail, 'investigate-alert') as unknown as AgentResult;
    expect(result.model).toBeNull();
    expect(result.report).toMatch(/no model/i);
  });

  test('5.9.11 confidence, severities, evidence and actions follow from what was read', async () => {
    const known = resultOf(await crashLooping(), 'investigate-alert') as unknown as AgentResult;
    const unknownRun = await run('cause', { alertname: 'NobodyKnows', namespace: 'default', pod: 'absent-1' });
    const unknown = resultOf(unknownRun, 'investigate-alert') as unknown as AgentResult;

    expect(known.confidence).toBeGreaterThan(0.8);
    expect(known.confidence_reasons.length).toBeGreaterThan(1);
    expect(unknown).toMatchObject({ root_cause: null });
    expect(unknown.confidence).toBeLessThan(0.3);
    expect(unknownRun.outputs['root_cause']).toBe('unknown');

    expect(new Set(known.findings.map(({ severity }) => severity)).size).toBeGreaterThan(1);
    const ids = known.evidence.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const finding of known.findings) {
      expect(finding.evidence_ids.length).toBeGreaterThan(0);
      expect(ids).toEqual(expect.arrayContaining([...finding.evidence_ids]));
      expect(Object.keys(finding.evidence).length).toBeGreaterThan(0);
    }
    expect(known.evidence.map(({ excerpt }) => excerpt).join('\n')).toContain('OOMKilled');
    expect(known.actions_taken.length).toBeGreaterThan(unknown.actions_taken.length);
    expect(new Set(known.actions_taken.map(({ command }) => command)).size).toBeGreaterThan(3);

    // An alert about a pod that is gone, in a namespace where another one is unwell: less sure than about that one.
    const near = await run('cause', { alertname: 'Elsewhere', namespace: 'shop', pod: 'absent-1' });
    const guessed = resultOf(near, 'investigate-alert') as unknown as AgentResult;
    expect(guessed.confidence).toBeLessThanOrEqual(0.6);
    expect(await world.alertNamed('KubePodCrashLooping')).toMatchObject({ aiConfidence: known.confidence });
  });
});

test('5.9.16 a Sink that cannot do what it is for says so, and its delivery ends failed', async () => {
  const detail = await run('many-sinks', { alertname: 'TellEverybody' });
  expect(detail.status).toBe('succeeded');
  const loop = 'default/tell-everybody -> default/tell-everybody';
  const error = `Sink default/to-itself would start a loop of Workflows: ${loop}`;
  expect(detail.deliveries).toMatchObject([
    { sinkType: 'workflow', status: 'failed', errorCode: 'Conflict', error, sentAt: null },
  ]);
  expect(await world.get('/api/v1/sinks/to-itself')).toMatchObject({ status: { messagesSent: 0, lastError: error } });
});
