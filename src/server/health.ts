import type { Catalog } from '../core/catalog.ts';
import type { Clock } from '../core/ports.ts';
import type { ServerReader, ServerState } from './options.ts';
import type { Handlers } from './routes.ts';

export interface HealthOptions {
  readonly version: string;
  readonly state: () => ServerState;
  readonly catalog: { current(): Catalog | null };
  readonly reader: ServerReader;
  readonly clock: Clock;
}

interface Check {
  readonly name: string;
  readonly ok: boolean;
}

/** The store is asked at most once in so long: the route is open to everybody. */
const storeAnswerMs = 1000;

/** Open to everybody, so they say nothing but yes or no and which part it is. */
export function healthHandlers(options: HealthOptions): Handlers<'GET /health' | 'GET /livez' | 'GET /readyz'> {
  const { version, state, catalog } = options;
  const storeAnswers = askStore(options.reader, options.clock);
  return {
    'GET /health': () => ({ status: 'healthy', version }),
    'GET /livez': (_request, reply) => reply.type('text/plain; charset=utf-8').send('ok\n'),
    'GET /readyz': async (request, reply) => {
      const checks: readonly Check[] = [
        { name: `state (${state()})`, ok: state() === 'ready' },
        { name: 'catalog', ok: catalog.current() !== null },
        { name: 'store', ok: await storeAnswers() },
      ];
      const ok = checks.every((check) => check.ok);
      const verbose = 'verbose' in (request.query as object);
      const lines = checks
        .filter((check) => verbose || !check.ok)
        .map((check) => `[${check.ok ? '+' : '-'}]${check.name} ${check.ok ? 'ok' : 'failed'}`);
      const last = verbose || !ok ? `readyz check ${ok ? 'passed' : 'failed'}` : 'ok';
      return reply
        .code(ok ? 200 : 503)
        .type('text/plain; charset=utf-8')
        .send(`${[...lines, last].join('\n')}\n`);
    },
  };
}

/** Whether the store answers in time; an answer holds for {@link storeAnswerMs}, and one question at a time is asked. */
function askStore(reader: ServerReader, clock: Clock): () => Promise<boolean> {
  let asked: { readonly at: number; readonly answer: Promise<boolean> } | undefined;
  return () => {
    if (asked !== undefined && clock.monotonic() - asked.at < storeAnswerMs) return asked.answer;
    const late = new AbortController();
    const answer = Promise.race([
      reader.lists.depths().then(
        () => true,
        () => false,
      ),
      clock.sleep(storeAnswerMs, late.signal).then(
        () => false,
        () => false,
      ),
    ]).finally(() => late.abort());
    asked = { at: clock.monotonic(), answer };
    return answer;
  };
}
