import { AppError } from '../core/errors.ts';
import { plain } from '../lib/printable.ts';
import { shortId } from '../lib/short-id.ts';
import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { objectOf } from './nouns/index.ts';
import { objectText, outputFormat, tell } from './output.ts';
import type { Terminal } from './output.ts';
import { runReportText } from './run-text.ts';
import { exitCodeOf } from './signals.ts';
import { followRun } from './watch-run.ts';

interface AskFlags extends ServerFlags {
  readonly output: string;
  /** False: with `--no-wait`. */
  readonly wait: boolean;
}

/** `fist ask run/ID QUESTION...`: what happens meanwhile goes to stderr, the answer to stdout. */
export async function ask(
  terminal: Terminal,
  flags: AskFlags,
  object = '',
  ...words: readonly string[]
): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json']);
  const { key } = objectOf(object, ['run']);
  const question = words.join(' ').trim();
  if (question === '')
    throw new AppError('InvalidInput', 'there is no question', { next: `fist ask ${object} "What changed before?"` });
  const client = apiClient(flags, terminal);
  const by = terminal.env['USER'];
  const body = { question, ...(by === undefined || by === '' ? {} : { by }) };
  const { id } = await client.call('POST /api/v1/runs/:id/messages', { params: { id: key }, body });
  const name = `run/${shortId(id)}`;
  if (!flags.wait) {
    terminal.out(`run/${id}\n`);
    tell(terminal, `next: fist watch ${name}`);
    return 0;
  }
  const followed = await followRun(terminal, client, id, (line) => tell(terminal, line));
  if (followed === null) return exitCodeOf.SIGINT;
  const { detail } = followed;
  if (format === 'json') terminal.out(await objectText('json', detail));
  else terminal.out(runReportText(detail, { ...terminal, evidence: true, nowMs: Date.now() }) ?? '');
  if (detail.status === 'succeeded') return 0;
  throw new AppError(detail.errorCode ?? 'StepFailed', plain(`${name} ${detail.status}: ${detail.error ?? ''}`), {
    next: `fist describe ${name}`,
  });
}
