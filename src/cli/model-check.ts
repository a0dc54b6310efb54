import { tryModel } from '../app/model-check.ts';
import { readCount } from '../app/read-count.ts';
import { AppError } from '../core/errors.ts';
import type { ModelFinding } from '../core/model-check.ts';
import { parseDuration } from '../lib/duration.ts';
import { plain } from '../lib/printable.ts';
import { styled } from '../lib/styled.ts';
import { plural } from '../lib/words.ts';
import { inWordsOf } from './called-as.ts';
import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { answerIsNo } from './failure.ts';
import { findNoun, objectOf } from './nouns/index.ts';
import { outputFormat, printObject, tell } from './output.ts';
import type { Terminal } from './output.ts';

interface ModelCheckFlags extends ServerFlags {
  readonly endpoint?: string;
  readonly contextTokens?: string;
  readonly modelPrices?: string;
  readonly timeout: string;
  readonly output: string;
}

/** `fist model check`: whether a model can do what an investigation asks of it. Exit 1 where it cannot. */
export async function modelCheck(terminal: Terminal, flags: ModelCheckFlags, model?: string): Promise<number> {
  if (model !== undefined && findNoun(model.split('/')[0] ?? '')?.singular === 'workflow')
    return checkWorkflow(terminal, flags, model);
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

/** Questions of a check, and models that a Workflow may name. */
const mostQuestions = 3 * 10;

/** The server asks: with its keys, from where it is, and it keeps what came of it. */
async function checkWorkflow(terminal: Terminal, flags: ModelCheckFlags, object: string): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json']);
  const other = (['endpoint', 'contextTokens', 'modelPrices'] as const).find((name) => flags[name] !== undefined);
  if (other !== undefined)
    throw new AppError(
      'InvalidInput',
      `the models of ${object} are asked as the server is set, and no flag changes that`,
      {
        field: `--${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
        next: `fist model check ${object}`,
      },
    );
  const { key } = objectOf(object, ['workflow']);
  const slash = key.indexOf('/');
  const params = { namespace: slash < 0 ? 'default' : key.slice(0, slash), name: key.slice(slash + 1) };
  const timeoutMs = parseDuration(flags.timeout);
  const client = apiClient(flags, terminal, timeoutMs * mostQuestions);
  const { models, error } = await client.call('POST /api/v1/workflows/:namespace/:name/model-check', {
    params,
    body: { timeoutMs },
  });
  const name = `workflow/${params.namespace}/${params.name}`;
  if (error !== undefined)
    throw new AppError('Internal', `the check was not ended: ${plain(error.message)}`, { next: 'fist status' });
  const isFit = models.every(({ result }) => result === 'fit');
  if (format === 'json') {
    await printObject(terminal, 'json', { ok: isFit, models });
    return isFit ? 0 : answerIsNo;
  }
  for (const { model, endpoint, result, message, checks } of models) {
    terminal.out(`${plain(model)}${endpoint === null ? '' : ` at ${plain(endpoint)}`}\n`);
    for (const finding of checks) terminal.out(inWordsOf(terminal.called, lineOf(terminal, finding)));
    terminal.out(`${verdicts[result]}: ${plain(message)}\n`);
  }
  if (models.length === 0) terminal.out(`${name} asks no model\n`);
  tell(terminal, `next: fist describe ${name}`);
  return isFit ? 0 : answerIsNo;
}

const verdicts = {
  fit: '✔ it can be used',
  unfit: '✗ it is not asked',
  unanswered: '✗ nothing was found out, and what was known before stays',
} as const;

type Finding = Omit<ModelFinding, 'next'> & { readonly next?: string | undefined };

function lineOf(terminal: Terminal, { about, result, text, next }: Finding): string {
  const marks = { ok: '✔', failed: '✗', skipped: '-' } as const;
  const colours = { ok: 'green', failed: 'red', skipped: 'gray' } as const;
  const mark = terminal.colour ? styled(colours[result], marks[result]) : marks[result];
  const line = `${mark} ${about}: ${plain(text)}\n`;
  return next === undefined ? line : `${line}  next: ${plain(next)}\n`;
}
