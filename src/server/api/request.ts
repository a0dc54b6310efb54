import type { FastifyRequest } from 'fastify';
import { AppError } from '../../core/errors.ts';
import type { ListPage } from '../../core/lists.ts';
import { readQuery } from '../query.ts';
import type { QueryReader, RawQuery } from '../query.ts';

/** The query of a request. */
export function queryOf(request: FastifyRequest): QueryReader {
  return readQuery(request.query as RawQuery);
}

/** The last part of an item's path: `:id`, or the rest (`*`). */
export function idOf(request: FastifyRequest): string {
  const { id, '*': rest } = request.params as { readonly id?: string; readonly '*'?: string };
  return id ?? rest ?? '';
}

/** The item, or NotFound that names it. */
export function found<T>(item: T | undefined, kind: string, id: string, next: string): T {
  if (item !== undefined) return item;
  throw new AppError('NotFound', `there is no ${kind} ${id.slice(0, 200)}`, { next });
}

/** A page whose items are shown by `view`. */
export function viewPage<T, View>(page: ListPage<T>, view: (item: T) => View): ListPage<View> {
  return { items: page.items.map(view), nextCursor: page.nextCursor };
}
