import { tryModel } from '../app/model-check.ts';
import type { ModelFinding } from '../app/model-check.ts';
import { readCount } from '../app/read-count.ts';
import { parseDuration } from '../lib/duration.ts';
import { plain } from '../lib/printable.ts';
import { styled } from '../lib/styled.ts';
import { plural } from '../lib/words.ts';
import { inWordsOf } from './called-as.ts';
import { answerIsNo } from './failure.ts';
import { outputFormat, printObject } from './output.ts';
import type { Terminal } from './output.ts';

interface ModelCheckFlags {
  readonly endpoint?: string;
  readonly contextTokens?: string;
  readonly modelPrices?: string;
  readonly timeout: string;
  readonly output: string;
}

/** `fist model check`: whether a model can do what an investigation asks of it. Exit 1 where it cannot. */
export async function modelCheck(terminal: Terminal, flags: ModelCheckFlags, model?: string): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json']);
  const checks: ModelFinding[] = [];
  const trial = {
    model: model ?? null,
    endpoint: flags.endpoint ?? null,
    contextTokens:
      flags.contextTokens === undefined ? null : readCount(flags.contextTokens, '--context-tokens', 100_000_000),
    prices: flags.modelPrices ?? null,
    timeoutMs: parseDuration(flags.timeout),
  };
  const name = await tryModel(trial, terminal.env, (finding) => {
    checks.push(finding);
    if (format === 'text') terminal.out(inWordsOf(terminal.called, lineOf(terminal, finding)));
  });
  const failed = checks.filter(({ result }) => result === 'failed').length;
  if (format === 'json') await printObject(terminal, 'json', { ok: failed === 0, model: name, checks });
  else if (failed === 0) terminal.out(`✔ ${plain(name)} can be used\n`);
  else terminal.out(`✗ ${plain(name)} cannot be used as it is: ${plural(failed, 'check')} failed\n`);
  return failed === 0 ? 0 : answerIsNo;
}

function lineOf(terminal: Terminal, { about, result, text, next }: ModelFinding): string {
  const marks = { ok: '✔', failed: '✗', skipped: '-' } as const;
  const colours = { ok: 'green', failed: 'red', skipped: 'gray' } as const;
  const mark = terminal.colour ? styled(colours[result], marks[result]) : marks[result];
  const line = `${mark} ${about}: ${plain(text)}\n`;
  return next === undefined ? line : `${line}  next: ${plain(next)}\n`;
}
