import { AppError } from '../core/errors.ts';
import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { meantBy } from './find-alert.ts';
import { objectOf, pathOf } from './nouns/index.ts';
import { tell } from './output.ts';
import type { Terminal } from './output.ts';

interface CancelFlags extends ServerFlags {
  readonly reason: string;
  readonly sink?: string;
  readonly namespace?: string;
}

/** `fist cancel run/ID`, `delivery/ID`, or `deliveries --sink NAME`. */
export async function cancel(terminal: Terminal, flags: CancelFlags, object = ''): Promise<number> {
  if (object === 'deliveries') return cancelDeliveries(terminal, flags);
  refuseFlags('cancel', flags, ['sink', 'namespace']);
  const named = objectOf(object, ['run', 'delivery']);
  const client = apiClient(flags, terminal);
  const { id } = (await client.post(`${pathOf(named)}/cancel`, { reason: flags.reason })) as { readonly id: string };
  // What was hit: a beginning or `@latest` may name another one later.
  const name = `${named.noun.singular}/${id}`;
  terminal.out(named.noun.singular === 'run' ? `${name} will be cancelled\n` : `${name} is cancelled\n`);
  tell(terminal, `next: fist describe ${name}`);
  return 0;
}

interface StartFlags extends ServerFlags {
  readonly workflow?: string;
}

/** `fist start alert/ID [--workflow NAME]`. */
export async function start(terminal: Terminal, flags: StartFlags, object = ''): Promise<number> {
  const named = objectOf(object, ['alert']);
  const client = apiClient(flags, terminal);
  const { key } = await meantBy(client, named);
  const by = terminal.env['USER'];
  const { workflow } = flags;
  const { id } = await client.call('POST /api/v1/alerts/:id/runs', {
    params: { id: key },
    body: { ...(workflow === undefined ? {} : { workflow }), ...(by === undefined || by === '' ? {} : { by }) },
  });
  terminal.out(`run/${id}\n`);
  tell(terminal, `next: fist watch run/${id}`);
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
  refuseFlags('retry', flags, ['sink', 'namespace', 'status']);
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

/** Those that are for the deliveries of a Sink. */
function refuseFlags<Flags extends object>(
  command: string,
  flags: Flags,
  names: readonly (keyof Flags & string)[],
): void {
  const unused = names.find((name) => flags[name] !== undefined);
  if (unused !== undefined)
    throw new AppError('InvalidInput', `--${unused} is for \`fist ${command} deliveries\` only`);
}

async function cancelDeliveries(terminal: Terminal, flags: CancelFlags): Promise<number> {
  const { sink, namespace = 'default', reason } = flags;
  if (sink === undefined) {
    throw new AppError('InvalidInput', 'only the pending deliveries to one Sink are ended together', {
      next: 'fist cancel deliveries --sink NAME',
    });
  }
  const client = apiClient(flags, terminal);
  const { cancelled } = await client.call('POST /api/v1/deliveries/cancel', { body: { sink, namespace, reason } });
  terminal.out(
    `${cancelled} ${cancelled === 1 ? 'delivery' : 'deliveries'} to ${namespace}/${sink} will not be sent\n`,
  );
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
