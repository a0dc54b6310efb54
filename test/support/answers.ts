import { z } from 'zod';
import { errorCodes } from '../../src/core/errors.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import type { Route } from '../../src/server/define-route.ts';
import { errorsOf } from '../../src/server/openapi.ts';
import { matchesPath } from '../../src/server/paths.ts';
import { routes } from '../../src/server/routes.ts';

const errorAnswer = z.strictObject({
  code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
  message: z.string().min(1),
  field: z.string().optional(),
  next: z.string().min(1).optional(),
});

/** What came of a request. */
export interface Answered {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Throws where an answer is not one that its route declares. */
export function checkAnswer({ method, url, status, contentType, body }: Answered): void {
  const path = url.split('?', 1)[0] ?? '';
  const all: readonly Route[] = routes;
  const route = all.find((candidate) => candidate.method === method && matchesPath(candidate.path, path));
  const where = `${method} ${path} answered ${status} ${body.slice(0, 300)}`;
  if (route?.otherAnswers[status] !== undefined && (body === '' || body.startsWith('{"jsonrpc"'))) {
    if (body !== '') mustFit(route.answer(), body, where);
    return;
  }
  if (status >= 400 && contentType.startsWith('application/json')) {
    mustFit(errorAnswer, body, where);
    const declared = route === undefined ? [400, 404, 405, 414] : errorsOf(route).map((error) => error.status);
    if (!declared.includes(status)) throw new Error(`${where}, which is not declared`);
    return;
  }
  if (route === undefined) throw new Error(`${where} without a route`);
  if (!contentType.startsWith(route.contentType.split(';')[0] ?? '')) throw new Error(`${where} as ${contentType}`);
  if (status !== route.status && !(route.path === '/readyz' && status === 503))
    throw new Error(`${where}, not ${route.status}`);
  if (route.contentType.startsWith('application/json')) mustFit(route.answer(), body, where);
}

function mustFit(schema: z.ZodType, body: string, where: string): void {
  const result = schema.safeParse(JSON.parse(body));
  if (!result.success) throw new Error(`${where}\n${z.prettifyError(result.error)}`);
}
