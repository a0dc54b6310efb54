import type { Command } from 'commander';
import { AppError } from '../core/errors.ts';

/** Flags of {@link modelOptions}. */
export interface ModelFlags {
  readonly model?: string;
  readonly endpoint?: string;
  readonly ask?: string;
}

export type When = 'unclear' | 'always';

/** Flags that name a model to be asked. */
export function modelOptions(command: Command, ask: When): Command {
  return command
    .option(
      '--model <provider/model>',
      'ask this model: anthropic/claude-sonnet-5, openai-compatible/NAME, none, replay:DIR (what --record wrote); keys from the environment (default: none)',
    )
    .option('--endpoint <url>', 'address of the model, where the provider has none of its own')
    .option('--record <dir>', 'with --model: keep what the model answers in a new folder, for --model replay:DIR')
    .option('--ask <when>', `when: unclear (the analyzers are not sure of a cause) or always (default: ${ask})`);
}

/** When the model is asked. */
export function readAsk(text: string | undefined, usual: When): When {
  if (text === undefined || text === 'unclear' || text === 'always') return text ?? usual;
  throw new AppError('InvalidInput', `--ask ${text} is neither unclear nor always`, { field: '--ask' });
}

/** What the flags say of a model; null: none is asked. */
export function readModelFlags(
  { model, endpoint, ask }: ModelFlags,
  usual: When,
): { readonly model: string; readonly endpoint: string | null; readonly when: When } | null {
  const when = readAsk(ask, usual);
  if (model !== undefined && model !== 'none') return { model, endpoint: endpoint ?? null, when };
  if (endpoint === undefined && ask === undefined) return null;
  throw new AppError(
    'InvalidInput',
    `${endpoint === undefined ? '--ask' : '--endpoint'} is of a model, and --model names none`,
    {
      field: '--model',
      next: '--model openai-compatible/NAME',
    },
  );
}
