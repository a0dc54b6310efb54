import { readFileSync } from 'node:fs';
import { AppError } from '../core/errors.ts';

/** What the server opens whatever comes: files and threads of the store, sockets that listen and that send, pools. */
const ownDescriptors = 192;
/** A run in work: the pipes of its command, what it reads of a cluster. */
const descriptorsOfRun = 8;
/** With fewer connections a server is no use. */
const fewestConnections = 64;

/**
 * How many connections the server may hold, so that files, commands and deliveries find a descriptor too: at most `wanted`.
 * Throws InvalidInput where too few are left. `limit` null = not known.
 */
export function connectionsWithin(limit: number | null, concurrency: number, wanted: number): number {
  if (limit === null) return wanted;
  const own = ownDescriptors + descriptorsOfRun * concurrency;
  if (limit - own >= fewestConnections) return Math.min(wanted, limit - own);
  const needed = own + fewestConnections;
  throw new AppError(
    'InvalidInput',
    `this process may open ${limit} files, and the server needs ${needed}: ${own} for itself with --concurrency ${concurrency}, ${fewestConnections} for connections`,
    {
      next: `ulimit -n ${Math.max(8192, needed)} (systemd: LimitNOFILE, a container: --ulimit nofile), or a smaller --concurrency`,
    },
  );
}

/** How many descriptors this process may have; null where the system does not say (it is no Linux). */
export function readDescriptorLimit(path = '/proc/self/limits'): number | null {
  try {
    const soft = /^Max open files +(\d+|unlimited)/m.exec(readFileSync(path, 'utf8'))?.[1];
    return soft === undefined || soft === 'unlimited' ? null : Number(soft);
  } catch {
    return null;
  }
}
