import { z } from 'zod';
import { defineRoute } from '../define-route.ts';
import { jsonObject, lazily, text } from './fields.ts';

export const getInfo = defineRoute({
  name: 'getInfo',
  method: 'GET',
  path: '/',
  access: 'token',
  needs: 'identity',
  summary: 'Name, version and links.',
  answer: lazily(() =>
    z.strictObject({
      name: text('`punching-fist`.'),
      version: text('Its version.'),
      url: text('Where people reach this server, if it was told.').optional(),
      api: text('Where the API begins.'),
      openapi: text('Where the API is described.'),
      health: text('Where the process answers.'),
      metrics: text('Where metrics are.'),
    }),
  ),
  handler: ({ version, publicUrl }) => ({
    name: 'punching-fist',
    version,
    ...(publicUrl === null ? {} : { url: publicUrl }),
    api: '/api/v1',
    openapi: '/openapi.json',
    health: '/health',
    metrics: '/metrics',
  }),
});

export const getOpenApi = defineRoute({
  name: 'getOpenApi',
  method: 'GET',
  path: '/openapi.json',
  access: 'token',
  needs: 'identity',
  summary: 'This API as an OpenAPI 3.1 document.',
  answer: lazily(() => jsonObject('OpenAPI 3.1.')),
  async handler(context, _input, { reply }) {
    return reply.type('application/json; charset=utf-8').send(await context.openApi());
  },
});
