import { expect, it } from 'vitest';
import { methodsOf } from './routes.ts';

it.each([
  ['/alerts', ['POST', 'GET']],
  ['/alerts/x', ['GET']],
  ['/alerts/', []],
  ['/alerts/x/y', []],
  ['/webhook/a/b/c', ['POST']],
  ['/webhook', []],
  ['/api/v1/sources/shop/x', ['GET']],
  ['/api/v1/sources/x', ['GET']],
  ['/api/v1/sources/shop/x/y', []],
  ['/api/v1/runs/x/cancel', ['POST']],
  ['/api/v1/runs//cancel', []],
  ['/', ['GET']],
  ['', []],
  ['/health', ['GET']],
  ['/healthz', []],
])('%s takes %j', (path, methods) => {
  expect(methodsOf(path)).toEqual(methods);
});
