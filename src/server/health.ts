import { z } from 'zod';
import { lazily, text } from './api/fields.ts';
import { defineRoute } from './define-route.ts';
import type { RouteContext } from './define-route.ts';

// Open to everybody, so they say which part it is and why in fixed words, and cost next to nothing. `/livez` is answered
// as long as the event loop turns; only what has to be restarted may make it fail.

const plainText = 'text/plain; charset=utf-8';

export const getHealth = defineRoute({
  name: 'getHealth',
  method: 'GET',
  path: '/health',
  access: 'open',
  summary: 'The process answers.',
  answer: lazily(() => z.strictObject({ status: text('`healthy`.'), version: text('Of the program.') })),
  handler: ({ version }) => ({ status: 'healthy', version }),
});

export const getLivez = defineRoute({
  name: 'getLivez',
  method: 'GET',
  path: '/livez',
  access: 'open',
  summary: 'The process answers.',
  contentType: plainText,
  answer: lazily(() => text('`ok`')),
  handler: () => 'ok\n',
});

export const getReadyz = defineRoute({
  name: 'getReadyz',
  method: 'GET',
  path: '/readyz',
  access: 'open',
  summary: 'The server takes alerts: 200, else 503.',
  otherAnswers: { 503: 'It takes no alerts; the text says why.' },
  query: { verbose: z.string().describe('Lists the checks that passed too, whatever its value.').optional() },
  contentType: plainText,
  answer: lazily(() => text('`ok`, or a line for each check.')),
  async handler(context, { query: { verbose } }, { reply }) {
    const isVerbose = verbose !== undefined;
    const checks = await checksOf(context);
    const ok = checks.every(({ problem }) => problem === null);
    const lines = checks
      .filter(({ problem }) => isVerbose || problem !== null)
      .map(({ name, problem }) => (problem === null ? `[+]${name} ok` : `[-]${name} failed: ${problem}`));
    const last = isVerbose || !ok ? `readyz check ${ok ? 'passed' : 'failed'}` : 'ok';
    return reply
      .code(ok ? 200 : 503)
      .type(plainText)
      .send(`${[...lines, last].join('\n')}\n`);
  },
});

interface Check {
  readonly name: string;
  /** Null = nothing. */
  readonly problem: string | null;
}

async function checksOf({ state, catalog, storeHealth }: RouteContext): Promise<readonly Check[]> {
  const now = state();
  return [
    { name: 'state', problem: now === 'ready' ? null : `the server is ${now}` },
    { name: 'catalog', problem: catalog.current() === null ? 'the resources are not read yet' : null },
    { name: 'store', problem: await storeHealth.problem() },
  ];
}
