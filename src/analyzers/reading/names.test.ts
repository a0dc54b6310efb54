import { expect, test } from 'vitest';
import { hasName } from './names.ts';

test.each([
  ['failed container app in pod web-1', 'app', true],
  ['container app-sidecar', 'app', false],
  ['my-app app', 'app', true],
  ['http://redis:6379/0', 'redis', true],
  ['http://redis-old:6379', 'redis', false],
  ['open /data/x: read-only file system', '/data', true],
  ['open /database/x', '/data', false],
  ['anything', '', false],
])('%s names %s: %s', (text, name, named) => {
  expect(hasName(text, name)).toBe(named);
});
