import type { Catalog } from '../core/catalog.ts';
import type { StoreHealth } from '../core/ports.ts';
import type { ServerState } from './options.ts';
import type { Handlers } from './routes.ts';

export interface HealthOptions {
  readonly version: string;
  readonly state: () => ServerState;
  readonly catalog: { current(): Catalog | null };
  readonly storeHealth: StoreHealth;
}

interface Check {
  readonly name: string;
  /** Null = nothing. */
  readonly problem: string | null;
}

/**
 * Open to everybody, so they say which part it is and why in fixed words, and cost next to nothing. `/livez` is answered
 * as long as the event loop turns; only what has to be restarted may make it fail.
 */
export function healthHandlers(options: HealthOptions): Handlers<'GET /health' | 'GET /livez' | 'GET /readyz'> {
  const { version, state, catalog, storeHealth } = options;
  return {
    'GET /health': () => ({ status: 'healthy', version }),
    'GET /livez': (_request, reply) => reply.type('text/plain; charset=utf-8').send('ok\n'),
    'GET /readyz': async (request, reply) => {
      const now = state();
      const checks: readonly Check[] = [
        { name: 'state', problem: now === 'ready' ? null : `the server is ${now}` },
        { name: 'catalog', problem: catalog.current() === null ? 'the resources are not read yet' : null },
        { name: 'store', problem: await storeHealth.problem() },
      ];
      const ok = checks.every(({ problem }) => problem === null);
      const verbose = 'verbose' in (request.query as object);
      const lines = checks
        .filter(({ problem }) => verbose || problem !== null)
        .map(({ name, problem }) => (problem === null ? `[+]${name} ok` : `[-]${name} failed: ${problem}`));
      const last = verbose || !ok ? `readyz check ${ok ? 'passed' : 'failed'}` : 'ok';
      return reply
        .code(ok ? 200 : 503)
        .type('text/plain; charset=utf-8')
        .send(`${[...lines, last].join('\n')}\n`);
    },
  };
}
