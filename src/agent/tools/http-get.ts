import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { defineTool } from './define.ts';
import type { ToolAnswer } from './define.ts';

const noHosts = 'the Workflow allows no hosts (scope.hosts of the step, or endpoint of the tool)';

/** A page of a host that the Workflow names. */
export const httpGet = defineTool({
  name: 'http_get',
  description:
    'Reads one page of a host that the Workflow allows: a status page, a health endpoint, an API that only reads. Text only, no headers can be set.',
  input: z.strictObject({
    url: z
      .string()
      .min(8)
      .max(2000)
      .regex(/^https?:\/\//, 'must begin with http:// or https://')
      .describe('Address, whole.'),
    method: z.enum(['GET', 'HEAD']).default('GET').describe('HEAD: only whether it answers.'),
  }),
  reference: {
    example: { url: 'https://status.example.com/api/v1/status' },
    command: 'curl -sS https://status.example.com/api/v1/status',
    bounds: [
      'GET and HEAD, without headers or a body',
      '64 KiB of text, 10 s, 3 redirects, each to an allowed address',
    ],
  },
  unavailable: ({ pages }) => (pages === null ? noHosts : null),
  reaches: ({ url }) => [{ of: 'http', url }],
  async run({ pages, signal }, { url, method }): Promise<ToolAnswer> {
    if (pages === null) throw new AppError('Forbidden', noHosts);
    const page = await pages.read(method, url, signal);
    const moved = page.url === url ? '' : `, after a redirect to ${page.url}`;
    const text = [
      `status ${page.status}${page.contentType === '' ? '' : `, ${page.contentType}`}${moved}`,
      ...(page.body === '' ? [] : [page.contentType === 'text/html' ? textOfHtml(page.body) : page.body]),
      ...(page.truncated ? ['[cut after 64 KiB]'] : []),
    ].join('\n');
    const command = `curl -sS${method === 'HEAD' ? ' -I' : ''} ${shellWord(url)}`;
    return {
      status: 'ok',
      text,
      command,
      evidence: { kind: 'http', object: new URL(url).host },
      narrow: 'ask for a smaller page',
    };
  },
});

/** The words of a page, roughly: without scripts, styles and tags. */
function textOfHtml(html: string): string {
  return html
    .replace(/<(script|style|svg|head)\b[^<>]*>[^]*?(?:<\/\1\s*>|$)/gi, ' ')
    .replace(/<!--[^]*?(?:-->|$)/g, ' ')
    .replace(/<\/(?:p|div|li|tr|h[1-6]|section|table|ul|ol|pre)\s*>|<br\s*\/?>/gi, '\n')
    .replace(/<[^<>]*>/g, ' ')
    .replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => entities[name] ?? ' ')
    .replace(/[ \t]+/g, ' ')
    .replace(/ ?\n[\n ]*/g, '\n')
    .trim();
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: ' ' };
