import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { CommandResult } from '../../core/command.ts';
import type { Evidence, StepOutcome } from '../../core/run.ts';
import { formatDuration } from '../../lib/duration.ts';
import { maskValues } from '../../lib/mask-values.ts';
import { redactInTurns } from '../../lib/redact.ts';
import { beyond } from '../../lib/rule.ts';
import { map } from '../../lib/schema.ts';
import { isSecretName } from '../../lib/secret-names.ts';
import { isPowerful } from '../../lib/shell.ts';
import { defineStep } from './define.ts';
import type { StepIo } from './define.ts';

/** For who is told that a server runs no commands. */
export const howToRunCommands =
  'start it with: fist serve --allow-exec, or fist operator --allow-jobs (commands.enabled of the chart)';

/** Of stdout and stderr each. */
const outputLimitBytes = 64 * 1024;
const excerptLimit = 4000;

/** Runs a command in `/bin/sh`. Template values reach it through its environment, never as text of the script. */
export const cli = defineStep({
  type: 'cli',
  description: 'Runs a shell command; a non-zero exit code fails the step.',
  config: z.object({
    command: z
      .string()
      .min(1)
      .max(131_071)
      .describe(
        'Text for `/bin/sh -c`. Template values may stand where listed programs take any text; others belong in `env`.',
      ),
    env: map(
      z
        .string()
        .max(255)
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name of an environment variable')
        .check(beyond('Variable', 'must not be a name that shells or programs go by', (name) => !isPowerful(name))),
      z.string().max(65_536),
      100,
    )
      .optional()
      .describe(
        'Environment variables of the command, as templates. What the command does with "$NAME" is its author\'s matter.',
      ),
    approvalRequired: z.boolean().default(false).describe('A person must approve the command before it runs.'),
  }),
  templates: { command: 'command', env: 'template' },
  defaultTimeoutMs: 5 * 60_000,
  branches: [],
  async run(io, config) {
    if (config.approvalRequired) throw needsApproval(io);
    if (io.commands === null) throw execNotAllowed(io);
    const { script, environment: values } = io.renderCommand(config.command, config.env ?? {});
    const environment = { ...io.environment, ...values };
    const result = await io.commands.run({
      place: { namespace: io.namespace, runId: io.runId, path: io.path, endedBefore: io.endedBefore },
      script,
      environment: { ...environment, ...identity(io) },
      image: io.image,
      timeoutMs: io.timeoutMs,
      outputLimitBytes,
      signal: io.signal,
      onStarted: io.onProcess,
    });
    const secrets = [...(await io.secretValues()), ...secretsOf(environment)];
    return outcome(io, config.command, await maskValues(result, secrets));
  },
});

/** For commands that make their effect once per step: the key is the same in all attempts. */
function identity(io: StepIo): Record<string, string> {
  return {
    FIST_RUN_ID: io.runId,
    FIST_STEP_PATH: io.path,
    FIST_ATTEMPT: String(io.attempt),
    FIST_IDEMPOTENCY_KEY: io.idempotencyKey,
  };
}

/** Values of variables whose names say that they are secret. */
function secretsOf(environment: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(environment).flatMap(([name, value]) => (isSecretName(name) ? [value] : []));
}

async function outcome(io: StepIo, command: string, result: CommandResult): Promise<StepOutcome> {
  const stdout = await redactInTurns(result.stdout);
  const stderr = await redactInTurns(result.stderr);
  const fields = { stdout, stderr, exit_code: result.exitCode, command, truncated: result.truncated };
  const evidence = [commandEvidence(io, command, stdout, stderr, result)];
  if (result.timedOut) {
    const message = `the command did not end within ${formatDuration(io.timeoutMs)} and was killed`;
    return { ok: false, code: 'Timeout', message, retryable: true, result: fields, evidence };
  }
  if (result.exitCode === 0) return { ok: true, result: fields, evidence };
  const message = `the command ended with ${howItEnded(result)}${lastLine(stderr)}`;
  return { ok: false, code: 'CommandFailed', message, retryable: true, result: fields, evidence };
}

function howItEnded(result: CommandResult): string {
  return result.signal === null ? `exit code ${String(result.exitCode)}` : `signal ${result.signal}`;
}

function lastLine(stderr: string): string {
  const line = stderr.trimEnd().split('\n').at(-1) ?? '';
  return line === '' ? '' : `: ${line.slice(0, 300)}`;
}

function commandEvidence(io: StepIo, command: string, stdout: string, stderr: string, result: CommandResult): Evidence {
  const text = [
    stdout.trimEnd(),
    stderr.trimEnd() === '' ? '' : `stderr: ${stderr.trimEnd()}`,
    `[${howItEnded(result)}]`,
  ];
  return {
    id: `e${io.firstEvidenceNumber}`,
    kind: 'command',
    object: `step/${io.name}`,
    command,
    time: io.now(),
    excerpt: shorten(text.filter((part) => part !== '').join('\n')),
  };
}

function shorten(text: string): string {
  if (text.length <= excerptLimit) return text;
  const half = Math.floor(excerptLimit / 2);
  return `${text.slice(0, half)}\n[... ${text.length - 2 * half} characters left out ...]\n${text.slice(-half)}`;
}

function execNotAllowed(io: StepIo): AppError {
  return new AppError('ExecNotAllowed', `step "${io.name}" runs a command, and this server does not run commands`, {
    next: howToRunCommands,
  });
}

function needsApproval(io: StepIo): AppError {
  return new AppError(
    'Forbidden',
    `step "${io.name}" needs an approval, which this version cannot ask for; nothing was run`,
    {
      next: 'run the command by hand, or remove approvalRequired from the step',
    },
  );
}
