import { requestPath } from '../../lib/api-call.ts';
import type { ApiCaller } from '../../lib/api-call.ts';
import type { AnswerOf, RequestOf, RouteName } from '../routes.ts';

/** Asks a route by its name, `GET /api/v1/runs/:id`; what it takes and answers is declared with the route. */
export async function callRoute<Name extends RouteName>(
  api: ApiCaller,
  name: Name,
  request: RequestOf<Name>,
): Promise<AnswerOf<Name>> {
  const [method = '', path = ''] = name.split(' ');
  const target = requestPath(path, request);
  return (await (method === 'GET' ? api.get(target) : api.post(target, request.body ?? {}))) as AnswerOf<Name>;
}
