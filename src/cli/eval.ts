import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { readCases } from '../app/evaluation/cases.ts';
import type { Case } from '../app/evaluation/cases.ts';
import { changesSince, evaluate } from '../app/evaluation/evaluate.ts';
import type { Evaluation, EvaluationWorld, Outcome } from '../app/evaluation/evaluate.ts';
import { progressLine } from '../app/evaluation/model-text.ts';
import { evaluationText } from '../app/evaluation/text.ts';
import { AppError } from '../core/errors.ts';
import { fileProblem } from '../lib/file-problem.ts';
import { printable } from '../lib/printable.ts';
import { nextOfUnknown } from '../lib/similar.ts';
import { withModelSource } from './model-source.ts';
import type { SourceFlags } from './model-source.ts';
import { outputFormat, printObject, tell } from './output.ts';
import type { Terminal } from './output.ts';

interface EvalFlags extends SourceFlags {
  readonly out?: string;
  readonly compare?: string;
  readonly minRight: string;
  readonly maxWrong: string;
  readonly output: string;
  readonly runs: string;
  readonly case?: readonly string[];
}

/** `fist eval`: scores folders with known truth. Exit 1 where too few are right or too many wrong. */
export async function evalCommand(terminal: Terminal, flags: EvalFlags, directory: string): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json']);
  const [minRight, maxWrong] = [percentOf('--min-right', flags.minRight), percentOf('--max-wrong', flags.maxWrong)];
  const earlier = flags.compare === undefined ? null : readEvaluation(flags.compare);
  const wanted = chosenCases(await readCases(directory), flags.case ?? []);
  const write = flags.out === undefined ? null : openOut(flags.out);
  const evaluation = await withEvaluatedModel(flags, terminal, (model) =>
    evaluate(wanted, { now: () => performance.now(), ...model }),
  );
  write?.(evaluation);
  if (format === 'json') await printObject(terminal, 'json', evaluation);
  else terminal.out(printable(evaluationText(evaluation, earlier === null ? null : changesSince(earlier, evaluation))));
  const { cases, right, wrong } = evaluation;
  return 100 * right >= minRight * cases && 100 * wrong <= maxWrong * cases ? 0 : 1;
}

type Asking = Pick<EvaluationWorld, 'model' | 'runs' | 'progress'>;

async function withEvaluatedModel(
  flags: EvalFlags,
  terminal: Terminal,
  work: (asking: Asking) => Promise<Evaluation>,
): Promise<Evaluation> {
  const runs = runsOf(flags.runs);
  const progress = (outcome: Outcome): void => tell(terminal, printable(progressLine(outcome)));
  return withModelSource(flags, 'always', terminal.env, (source) => {
    if (source !== null) return work({ model: source, runs, ...(source.kind === 'live' ? { progress } : {}) });
    if (runs === 1) return work({});
    throw new AppError('InvalidInput', '--runs is of a model: without one every run is the same', {
      field: '--runs',
      next: '--model PROVIDER/MODEL',
    });
  });
}

function runsOf(text: string): number {
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  throw new AppError('InvalidInput', `--runs ${text} is not a whole number from 1 to 99`, { field: '--runs' });
}

function chosenCases(all: readonly Case[], names: readonly string[]): readonly Case[] {
  const missing = names.find((name) => !all.some((one) => one.name === name));
  if (missing !== undefined) {
    const known = all.map(({ name }) => name);
    throw new AppError('InvalidInput', `there is no case ${missing}`, {
      field: '--case',
      next: nextOfUnknown(missing, known, `one of ${known.slice(0, 5).join(', ')}, ...`, '--case '),
    });
  }
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

/** Opened before the work, which takes minutes. */
function openOut(path: string): (evaluation: Evaluation) => void {
  try {
    closeSync(openSync(path, 'a'));
  } catch (error) {
    throw new AppError('InvalidInput', `${path} cannot be written (${fileProblem(error)})`, {
      cause: error,
      field: '--out',
    });
  }
  return (evaluation) => writeFileSync(path, `${JSON.stringify(evaluation, null, 2)}\n`);
}

function percentOf(flag: string, text: string): number {
  const value = Number(text);
  if (text !== '' && value >= 0 && value <= 100) return value;
  throw new AppError('InvalidInput', `${flag} ${text} is no percentage from 0 to 100`);
}

function readEvaluation(path: string): Evaluation {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError('InvalidInput', `${path} cannot be read (${fileProblem(error)})`, { cause: error });
  }
  try {
    const value = JSON.parse(text) as Partial<Evaluation>;
    if (Array.isArray(value.outcomes)) return value as Evaluation;
  } catch (error) {
    throw new AppError('InvalidInput', `${path} is not JSON (${(error as Error).message})`, { cause: error });
  }
  throw new AppError('InvalidInput', `${path} is no evaluation`, { next: 'fist eval DIR --out FILE writes one' });
}
