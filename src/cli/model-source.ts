import { withModel } from '../app/asked-model.ts';
import { openRecordings, readRecordings } from '../app/replay/recordings.ts';
import type { ModelSource } from '../app/replay/source.ts';
import { AppError } from '../core/errors.ts';
import { readAsk, readModelFlags } from './model-flags.ts';
import type { ModelFlags, When } from './model-flags.ts';

/** Flags of a model whose answers may be kept, or were. */
export interface SourceFlags extends ModelFlags {
  readonly record?: string;
}

/**
 * What `work` makes of the model that flags name: it is asked now, and kept with `--record DIR`, or was recorded before, with
 * `--model replay:DIR`. null: none is named.
 */
export async function withModelSource<T>(
  flags: SourceFlags,
  usual: When,
  environment: Readonly<Record<string, string | undefined>>,
  work: (source: ModelSource | null) => Promise<T>,
): Promise<T> {
  const [, replayed] = /^replay:(.*)$/s.exec(flags.model ?? '') ?? [];
  if (replayed !== undefined) {
    if (flags.record !== undefined || flags.endpoint !== undefined)
      throw new AppError('InvalidInput', '--record and --endpoint are of a model that is asked: a replay asks none', {
        field: flags.record === undefined ? '--endpoint' : '--record',
      });
    return work({ kind: 'replay', recordings: readRecordings(replayed), when: readAsk(flags.ask, usual) });
  }
  const wanted = readModelFlags(flags, usual);
  if (wanted === null) {
    if (flags.record === undefined) return work(null);
    throw new AppError('InvalidInput', '--record is of a model, and --model names none', {
      field: '--record',
      next: '--model PROVIDER/MODEL',
    });
  }
  return withModel(wanted, wanted.when, environment, (asked) => {
    const keep = flags.record === undefined ? null : openRecordings(flags.record);
    return work({ kind: 'live', asked, keep });
  });
}
