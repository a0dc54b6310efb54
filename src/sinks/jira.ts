import { z } from 'zod';
import { cutText } from '../lib/cut.ts';
import { oneLine } from '../lib/printable.ts';
import { secretRef } from '../lib/secret-reference.ts';
import { distinct } from '../lib/words.ts';
import { adfDocument, wikiText } from './adf.ts';
import { defineSink } from './define.ts';
import { endpoint, template, templated } from './fields.ts';
import { openJira } from './jira-api.ts';
import { createJiraIssues } from './jira-issues.ts';
import { linksOf, summaryOf, titleFor, viewOf } from './payload.ts';
import type { PayloadView } from './payload.ts';
import { reopenWithin, tellTracker } from './tracker.ts';
import type { Tracker } from './tracker.ts';

const mostSummaryCharacters = 255;

const config = z.object({
  endpoint: endpoint.meta({ description: 'Address of Jira: https://NAME.atlassian.net, or that of the server.' }),
  deployment: z
    .enum(['cloud', 'server'])
    .optional()
    .meta({ description: 'Default: cloud at atlassian.net, else server (Server and Data Center).' }),
  project: z.string().min(1).max(255).meta({ description: 'Key of the project.' }),
  issueType: z.string().min(1).max(255).default('Task').meta({ description: 'Name of the issue type.' }),
  email: z
    .string()
    .max(255)
    .regex(/^[^\p{Z}\p{Cc}:]+$/u, 'must be an e-mail address or user name')
    .optional()
    .meta({
      description:
        'Whose token it is, in the cloud. Absent: the Secret holds e-mail:token, or a personal access token.',
    }),
  credentialsSecret: secretRef.meta({
    description: 'Secret with the API token, or the personal access token: name, or name/key.',
  }),
  summary: templated.optional().meta({ description: 'Title of the issue. Default: the alert and its cause.' }),
  priority: templated.optional().meta({ description: 'Name of the priority. Default: that of the project.' }),
  labels: z.array(templated).max(20).default([]).meta({
    description: 'Labels of the issue beside its own, which it is found by. Templates; spaces become dashes.',
  }),
  resolveTransition: z.string().min(1).max(255).optional().meta({
    description:
      'Name of the transition, or of the status, at the end of the alert. Default: the first one that is done.',
  }),
  reopenTransition: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .meta({ description: 'The same when the alert fires again. Default: the first one that is not done.' }),
  reopenWithin,
  template: template.optional(),
});

type Config = z.output<typeof config>;

/** One issue for an incident. It is remembered; where nobody remembers it, it is found by its label. */
export const jira = defineSink({
  type: 'jira',
  description: 'An issue in Jira (cloud, server): made, commented, moved to done, reopened.',
  example: {
    endpoint: 'https://example.atlassian.net',
    project: 'OPS',
    issueType: 'Incident',
    email: 'fist@example.com',
    credentialsSecret: 'jira-credentials',
  },
  remembers: true,
  config,
  deliver(io, config, delivery) {
    const access = openJira(io, config);
    const view = viewOf(delivery.payload);
    const write = access.isCloud ? adfDocument : wikiText;
    const text = (note: string) =>
      write([view.text.trim(), note].filter((part) => part !== '').join('\n\n'), linksOf(view));
    const issues = createJiraIssues(access, delivery, text);
    const tracker: Tracker = {
      find: issues.find,
      search: () => issues.search(config.project),
      searchLagMs: 20_000,
      create: () => issues.create(fieldsOf(config, view)),
      comment: issues.comment,
      reopen: (issue) => issues.move(issue, config.reopenTransition, (category) => category !== 'done'),
      close: (issue) => issues.move(issue, config.resolveTransition, (category) => category === 'done'),
    };
    return tellTracker(tracker, delivery, config, io);
  },
});

function fieldsOf({ project, issueType, summary, priority = '', labels }: Config, view: PayloadView) {
  return {
    project: { key: project },
    issuetype: { name: issueType },
    summary: titleFor(summary, summaryOf(view), mostSummaryCharacters),
    labels: distinct(labels.map(labelOf)),
    ...(priority.trim() === '' ? {} : { priority: { name: priority.trim() } }),
  };
}

/** Labels hold no spaces. */
function labelOf(text: string): string {
  return cutText(oneLine(text).replace(/\s+/g, '-'), 255);
}
