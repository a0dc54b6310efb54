import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../test/support/clock.ts';
import { memoryMetrics } from '../../../test/support/memory-metrics.ts';
import { emptyReaders } from '../../../test/support/toolbox.ts';
import { modelWorld } from '../../../test/support/model-world.ts';
import { walledMetrics } from '../../app/walls.ts';
import { noMcpTools } from '../../agent/mcp/tools.ts';
import { openModel } from '../../agent/models/open.ts';
import type { CommandRequest, CommandResult } from '../../core/command.ts';
import { agent, askedText } from './agent.ts';
import { cli } from './cli.ts';
import { conditional } from './conditional.ts';
import type { StepIo } from './define.ts';
import { findStepDefinition, stepDefinitions } from './index.ts';
import { silentLog } from '../../lib/silent-log.ts';

const start = '2026-01-01T00:00:00.000Z';

function stepIo(changes: Partial<StepIo> = {}): StepIo {
  return {
    runId: 'r1',
    name: 'look',
    path: '2',
    attempt: 3,
    endedBefore: 1,
    idempotencyKey: 'r1/2',
    signal: new AbortController().signal,
    timeoutMs: 5000,
    now: () => start,
    clock: createFakeClock(),
    log: silentLog,
    alert: null,
    group: null,
    openReaders: () => emptyReaders,
    openModel: async () => ({ kind: 'none' }),
    data: { said: {}, known: async () => [], learn: async () => undefined },
    openMcp: async () => noMcpTools,
    namespace: 'default',
    image: 'busybox',
    environment: { TEAM: 'shop', FIST_RUN_ID: 'forged' },
    branches: [],
    render: (template) => template,
    renderCommand: (template, variables) => ({
      script: 'echo "${FIST_1}"',
      environment: { FIST_1: 'value', ...variables },
    }),
    renderApart: (template) => ({ text: template, values: [] }),
    evaluate: (condition) => condition === 'yes',
    cluster: null,
    closed: null,
    onlyNamespace: null,
    commands: null,
    secretValues: async () => [],
    firstEvidenceNumber: 7,
    onProcess: () => Promise.resolve(),
    followUp: null,
    journal: { events: async () => [], append: async () => undefined },
    conversationWith: async () => [],
    budgetRefusal: async () => null,
    ...changes,
  };
}

function runnerOf(result: Partial<CommandResult>) {
  const requests: CommandRequest[] = [];
  return {
    requests,
    run(request: CommandRequest) {
      requests.push(request);
      return Promise.resolve({
        exitCode: 0,
        signal: null,
        stdout: '',
        stderr: '',
        truncated: false,
        timedOut: false,
        ...result,
      });
    },
  };
}

const command = { command: 'echo {{ .alert.name }}', approvalRequired: false };

describe('cli', () => {
  test('runs the script with its values in the environment, and who it is', async () => {
    const commands = runnerOf({ stdout: 'value\n' });
    const outcome = await cli.run(stepIo({ commands }), command);
    expect(commands.requests[0]).toMatchObject({
      place: { namespace: 'default', runId: 'r1', path: '2', endedBefore: 1 },
      script: 'echo "${FIST_1}"',
      timeoutMs: 5000,
      environment: {
        TEAM: 'shop',
        FIST_1: 'value',
        FIST_RUN_ID: 'r1',
        FIST_STEP_PATH: '2',
        FIST_ATTEMPT: '3',
        FIST_IDEMPOTENCY_KEY: 'r1/2',
      },
    });
    expect(outcome).toEqual({
      ok: true,
      result: { stdout: 'value\n', stderr: '', exit_code: 0, command: command.command, truncated: false },
      evidence: [
        {
          id: 'e7',
          kind: 'command',
          object: 'step/look',
          command: command.command,
          time: start,
          excerpt: 'value\n[exit code 0]',
        },
      ],
    });
  });

  test('5.9.7 a non-zero exit code is a failure, with its output and its evidence', async () => {
    const commands = runnerOf({ exitCode: 3, stderr: 'first\nno such pod\n' });
    expect(await cli.run(stepIo({ commands }), command)).toMatchObject({
      ok: false,
      code: 'CommandFailed',
      retryable: true,
      message: 'the command ended with exit code 3: no such pod',
      result: { exit_code: 3, stderr: 'first\nno such pod\n' },
      evidence: [{ excerpt: 'stderr: first\nno such pod\n[exit code 3]' }],
    });
  });

  test('a signal and a time-out are told apart', async () => {
    expect(await cli.run(stepIo({ commands: runnerOf({ exitCode: null, signal: 'SIGKILL' }) }), command)).toMatchObject(
      {
        code: 'CommandFailed',
        message: 'the command ended with signal SIGKILL',
      },
    );
    const timedOut = runnerOf({ exitCode: null, signal: 'SIGTERM', timedOut: true });
    expect(await cli.run(stepIo({ commands: timedOut }), command)).toMatchObject({
      code: 'Timeout',
      retryable: true,
      message: 'the command did not end within 5s and was killed',
    });
  });

  test('secrets in the output are masked, and long output is shortened in the excerpt', async () => {
    const commands = runnerOf({ stdout: `password=hunter22\n${'x '.repeat(10_000)}` });
    const outcome = await cli.run(stepIo({ commands }), command);
    expect(JSON.stringify(outcome)).not.toContain('hunter22');
    expect(outcome.evidence[0]?.excerpt.length).toBeLessThan(4100);
    expect(outcome.evidence[0]?.excerpt).toContain('characters left out');
  });

  test('values of known Secrets are masked in result, message and evidence, whatever stands before them', async () => {
    const commands = runnerOf({ exitCode: 1, stdout: 'it is s3cr-etvalue', stderr: 'refused s3cr-etvalue' });
    const outcome = await cli.run(stepIo({ commands, secretValues: async () => ['s3cr-etvalue'] }), command);
    expect(JSON.stringify(outcome)).not.toContain('s3cr');
    expect(outcome).toMatchObject({
      message: 'the command ended with exit code 1: refused [REDACTED]',
      result: { stdout: 'it is [REDACTED]' },
      evidence: [{ excerpt: 'it is [REDACTED]\nstderr: refused [REDACTED]\n[exit code 1]' }],
    });
  });

  test('the step’s own variables win over the runtime’s, and never over who it is', async () => {
    const commands = runnerOf({});
    const environment = { TEAM: 'shop', FIST_RUN_ID: 'forged' };
    await cli.run(stepIo({ commands, environment }), { ...command, env: { TEAM: 'other', POD: 'web-1' } });
    expect(commands.requests[0]?.environment).toMatchObject({ TEAM: 'other', POD: 'web-1', FIST_RUN_ID: 'r1' });
  });

  test('names that shells or programs go by are no variables of a step', () => {
    const issues = (name: string) => cli.config.safeParse({ command: 'true', env: { [name]: 'x' } }).success;
    const refused = [
      'PATH',
      'IFS',
      'ENV',
      'BASH_ENV',
      'SHELLOPTS',
      'PS4',
      'PROMPT_COMMAND',
      'LD_PRELOAD',
      'FIST_1',
      'FIST_RUN_ID',
    ];
    expect([...refused, 'KUBECONFIG', 'GIT_SSH_COMMAND', 'a-b', '1a', ''].filter(issues)).toEqual([]);
    expect(['POD', 'namespace', '_X', 'API_TOKEN'].filter((name) => !issues(name))).toEqual([]);
  });

  test('values of variables with secret names are masked in result, message and evidence', async () => {
    const secret = 'correct horse battery';
    const environment = { API_TOKEN: `${secret}\n`, DB_PASSWORD: 'kitten-tail', PIN_TOKEN: '1', TEAM: 'storefront' };
    const commands = runnerOf({
      exitCode: 1,
      stdout: `storefront 1 <${secret}>kitten-tail`,
      stderr: `cannot log in with ${secret}\n`,
    });
    const outcome = await cli.run(stepIo({ commands, environment }), { ...command, env: { OTP: 'from-the-step' } });
    const text = JSON.stringify(outcome);
    expect(text).not.toMatch(/correct horse|kitten-tail/);
    expect(outcome).toMatchObject({
      message: 'the command ended with exit code 1: cannot log in with [REDACTED]',
      result: { stdout: 'storefront 1 <[REDACTED]>[REDACTED]' },
    });
  });

  test('without --allow-exec it fails and says how to allow it (R15)', async () => {
    await expect(cli.run(stepIo(), command)).rejects.toMatchObject({
      code: 'ExecNotAllowed',
      next: 'start it with: fist serve --allow-exec, or fist operator --allow-jobs (commands.enabled of the chart)',
    });
  });

  test('5.9.9 approvalRequired is not ignored: nothing runs', async () => {
    const commands = runnerOf({});
    await expect(cli.run(stepIo({ commands }), { ...command, approvalRequired: true })).rejects.toMatchObject({
      code: 'Forbidden',
    });
    expect(commands.requests).toEqual([]);
  });
});

describe('conditional', () => {
  const decide = async (condition: string, branches: readonly string[]) => {
    const outcome = await conditional.run(stepIo({ branches }), { condition });
    return outcome.result;
  };

  test('5.9.8 names the branch that is there, or none', async () => {
    const met = { condition_met: true, branch: 'then', message: 'condition is met, runs branch `then`' };
    expect(await decide('yes', ['then', 'else'])).toEqual(met);
    expect(await decide('yes', ['else'])).toEqual({
      condition_met: true,
      branch: null,
      message: 'condition is met, there is no branch `then`',
    });
    expect(await decide('no', ['then', 'else'])).toMatchObject({ condition_met: false, branch: 'else' });
    expect(await decide('no', ['then'])).toMatchObject({ condition_met: false, branch: null });
  });
});

describe('agent', () => {
  const config = agent.config.parse({ goal: 'find out' });

  test.each<[string | null, number]>([
    [null, 1],
    ['shop', 0],
  ])('an alert has it ask for metrics of another namespace, looking at %s', async (onlyNamespace, times) => {
    const metrics = memoryMetrics({});
    const expression = 'balance{namespace="bank"}';
    const alert = {
      id: 'a',
      name: 'Balance',
      fingerprint: 'f',
      severity: 'warning',
      status: 'firing',
      episode: 1,
      labels: { alertname: 'Balance', namespace: 'bank' },
      annotations: {},
      summary: null,
      description: null,
      generatorUrl: `http://p/graph?g0.expr=${encodeURIComponent(expression)}`,
      startsAt: start,
      endsAt: null,
    } as const;
    const openReaders = () => ({
      ...emptyReaders,
      metrics: onlyNamespace === null ? metrics : walledMetrics(metrics, onlyNamespace),
    });
    const { result } = await agent.run(stepIo({ alert, onlyNamespace, openReaders }), config);
    const asked = metrics.asked.filter((one) => typeof one !== 'string' && one.expression === expression);
    expect(asked).toHaveLength(times);
    expect(JSON.stringify(result).includes('may not ask for')).toBe(times === 0);
  });

  test('without a cluster it still gives a report of the contract’s shape', async () => {
    const outcome = await agent.run(stepIo(), config);
    expect(outcome).toMatchObject({
      ok: true,
      result: { model: null, root_cause: null, findings: [], report: expect.any(String) },
    });
  });

  test('5.9.10 an unknown model provider fails and leaves the report', async () => {
    const llmConfig = { provider: 'oracle-of-delphi', model: null, endpoint: null, apiKeySecret: null };
    const openRefused = async () => openModel(llmConfig, modelWorld());
    expect(await agent.run(stepIo({ openModel: openRefused }), config)).toMatchObject({
      ok: false,
      code: 'ModelUnknown',
      result: { report: expect.any(String) },
    });
  });

  test('what is asked has the values of the alert in their places, for people', () => {
    const io = stepIo({ renderApart: () => ({ text: 'Look at [value 1], [value 2]', values: ['a pod'] }) });
    expect(askedText(io, 'Look at {{ .alert.labels.pod }}')).toBe('Look at a pod, [value 2]');
  });

  test('5.9.5 accepts tools as texts and as objects', () => {
    const tools = [
      'kubectl',
      { name: 'promql', description: 'query', endpoint: '{{ .env.PROMETHEUS_URL }}' },
      { ref: 'x' },
    ];
    expect(agent.config.parse({ goal: 'g', tools })).toMatchObject({ tools, maxIterations: 20 });
  });
});

test('the registry finds every type by its name', () => {
  for (const definition of stepDefinitions) expect(findStepDefinition(definition.type)).toBe(definition);
  expect(findStepDefinition('sink')).toBeUndefined();
});
