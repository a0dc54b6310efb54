import type { FastifyRequest } from 'fastify';
import { expect, it } from 'vitest';
import { found, idOf, queryOf, viewPage } from './request.ts';

const request = (parts: object) => parts as FastifyRequest;

it.each([
  [{ id: 'abc' }, 'abc'],
  [{ '*': 'shop/x' }, 'shop/x'],
  [{}, ''],
])('the id of %j is %s', (params, id) => {
  expect(idOf(request({ params }))).toBe(id);
});

it('the query is that of the request', () => {
  const query = queryOf(request({ query: { status: 'open' } }));
  expect(query.text('status')).toBe('open');
  expect(() => query.end()).not.toThrow();
});

it('what is not there is named, at most 200 characters of it, with what to do next', () => {
  expect(found('here', 'run', 'x', 'n')).toBe('here');
  expect(() => found(undefined, 'run', 'y'.repeat(1000), 'fist get runs')).toThrow(
    expect.objectContaining({ code: 'NotFound', message: `there is no run ${'y'.repeat(200)}`, next: 'fist get runs' }),
  );
});

it('a page keeps its cursor', () => {
  expect(viewPage({ items: [1, 2], nextCursor: 'c' }, (item) => item * 2)).toEqual({ items: [2, 4], nextCursor: 'c' });
});
