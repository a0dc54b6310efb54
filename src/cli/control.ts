import { AppError } from '../core/errors.ts';
import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { objectOf, pathOf } from './nouns/index.ts';
import { tell } from './output.ts';
import type { Terminal } from './output.ts';

/** `fist cancel run/ID` or `delivery/ID`. */
export async function cancel(
  terminal: Terminal,
  flags: ServerFlags & { reason: string },
  object = '',
): Promise<number> {
  const named = objectOf(object, ['run', 'delivery']);
  const client = apiClient(flags, terminal);
  const { id } = (await client.post(`${pathOf(named)}/cancel`, { reason: flags.reason })) as { readonly id: string };
  // What was hit: a beginning or `@latest` may name another one later.
  const name = `${named.noun.singular}/${id}`;
  terminal.out(named.noun.singular === 'run' ? `${name} will be cancelled\n` : `${name} is cancelled\n`);
  tell(terminal, `next: fist describe ${name}`);
  return 0;
}

interface RetryFlags extends ServerFlags {
  readonly sink?: string;
  readonly namespace?: string;
  readonly status?: string;
}

/** `fist retry run/ID`, `delivery/ID`, or `deliveries --sink NAME --status failed`. */
export async function retry(terminal: Terminal, flags: RetryFlags, object = ''): Promise<number> {
  if (object === 'deliveries') return retryDeliveries(terminal, flags);
  const unused = (['sink', 'namespace', 'status'] as const).find((flag) => flags[flag] !== undefined);
  if (unused !== undefined) throw new AppError('InvalidInput', `--${unused} is for \`fist retry deliveries\` only`);
  const named = objectOf(object, ['run', 'delivery']);
  const answer = (await apiClient(flags, terminal).post(`${pathOf(named)}/retry`, {})) as { id: string };
  if (named.noun.singular === 'delivery') {
    terminal.out(`delivery/${answer.id} will be sent again\n`);
    tell(terminal, `next: fist describe delivery/${answer.id}`);
    return 0;
  }
  terminal.out(`run/${answer.id}\n`);
  tell(terminal, `next: fist describe run/${answer.id}`);
  return 0;
}

async function retryDeliveries(terminal: Terminal, flags: RetryFlags): Promise<number> {
  const { sink, namespace = 'default', status } = flags;
  if (sink === undefined || status !== 'failed') {
    throw new AppError('InvalidInput', 'only the failed deliveries of one Sink are sent again together', {
      next: 'fist retry deliveries --sink NAME --status failed',
    });
  }
  const client = apiClient(flags, terminal);
  const { retried } = await client.call('POST /api/v1/deliveries/retry', { body: { sink, namespace, status } });
  terminal.out(`${retried} ${retried === 1 ? 'delivery' : 'deliveries'} to ${namespace}/${sink} will be sent again\n`);
  tell(terminal, `next: fist get deliveries --sink ${sink}`);
  return 0;
}
