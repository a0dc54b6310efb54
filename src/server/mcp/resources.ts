import type { ListResourcesResult, ReadResourceResult } from '@modelcontextprotocol/server';
import { AppError } from '../../core/errors.ts';
import { timeText } from '../../core/time.ts';
import { shortId } from '../../lib/short-id.ts';
import { answerText } from './answer.ts';
import { callRoute } from './call-route.ts';
import type { ToolWorld } from './define.ts';
import { getReport } from './tools/reports.ts';

// Reports as resources, for a person who adds one to a conversation. They say what the tool get_report says.

export const reportTemplate = {
  uriTemplate: 'fist://runs/{run}/report',
  name: 'report',
  title: 'The report of a run',
  description: 'What an investigation found, as text. The run by its id or a beginning of it.',
  mimeType: 'text/plain',
} as const;

/** The newest ones are listed. */
const mostListed = 20;

export async function listReports({ api }: ToolWorld): Promise<ListResourcesResult> {
  const query = { status: 'succeeded', limit: mostListed } as const;
  const { items } = await callRoute(api, 'GET /api/v1/runs', { query });
  return {
    resources: items.map(({ id, name, namespace, completedAt }) => ({
      uri: `fist://runs/${id}/report`,
      name: `report of run/${shortId(id)}`,
      description: `Workflow ${namespace}/${name}${completedAt === null ? '' : `, ${timeText(completedAt)}`}`,
      mimeType: 'text/plain',
    })),
  };
}

/** Throws NotFound for what is no report. */
export async function readReportAt(world: ToolWorld, uri: string): Promise<ReadResourceResult> {
  const [, run] = /^fist:\/\/runs\/([\w@-]{1,64})\/report$/.exec(uri) ?? [];
  if (run === undefined)
    throw new AppError('NotFound', 'there is no such resource', { next: reportTemplate.uriTemplate });
  const text = await answerText(await getReport.run(world, getReport.input.parse({ run }) as never));
  return { contents: [{ uri, mimeType: 'text/plain', text }] };
}
