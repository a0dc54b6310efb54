import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { nounAndId } from './failure.ts';
import type { Terminal } from './output.ts';

/** `fist cancel run/ID`. */
export async function cancel(terminal: Terminal, flags: ServerFlags & { reason: string }, run = ''): Promise<number> {
  const { id } = nounAndId(run, ['run']);
  await apiClient(flags, terminal).post(`/api/v1/runs/${encodeURIComponent(id)}/cancel`, { reason: flags.reason });
  terminal.out(`run/${id} will be cancelled\n`);
  terminal.err(`next: fist describe run/${id}\n`);
  return 0;
}

/** `fist retry run/ID` or `delivery/ID`. */
export async function retry(terminal: Terminal, flags: ServerFlags, object = ''): Promise<number> {
  const { noun, id } = nounAndId(object, ['run', 'delivery']);
  if (noun === 'delivery') {
    await apiClient(flags, terminal).post(`/api/v1/deliveries/${encodeURIComponent(id)}/retry`, {});
    terminal.out(`delivery/${id} will be sent again\n`);
    terminal.err(`next: fist describe delivery/${id}\n`);
    return 0;
  }
  const answer = (await apiClient(flags, terminal).post(`/api/v1/runs/${encodeURIComponent(id)}/retry`, {})) as {
    id: string;
  };
  terminal.out(`run/${answer.id}\n`);
  terminal.err(`next: fist describe run/${answer.id}\n`);
  return 0;
}
