import { z } from 'zod';
import { cutText } from '../lib/cut.ts';
import { oneLine } from '../lib/printable.ts';
import { secretRef } from '../lib/secret-reference.ts';
import { distinct } from '../lib/words.ts';
import { codeBlock, plainText } from '../report/escape.ts';
import { defineSink } from './define.ts';
import { endpoint, template, templated } from './fields.ts';
import { createGithubIssues } from './github-issues.ts';
import { linksOf, summaryOf, titleFor, viewOf } from './payload.ts';
import type { PayloadView } from './payload.ts';
import { reopenWithin, tellTracker } from './tracker.ts';

const mostTitleCharacters = 256;
/** GitHub takes 65,536; room is left for links and the mark. */
const mostBodyCharacters = 60_000;

/**
 * One issue for an incident. It is remembered; where an attempt may have made it without an answer, it is looked for by a hidden mark in the newest
 * issues of the repository, which show it at once.
 */
export const github = defineSink({
  type: 'github',
  description: 'An issue at GitHub: made, commented, closed, reopened.',
  example: { repository: 'example/incidents', credentialsSecret: 'github-token' },
  remembers: true,
  escape: markdownText,
  config: z.object({
    endpoint: endpoint.default('https://api.github.com'),
    repository: z
      .string()
      .max(140)
      .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9._-]{1,100}$/, 'must be owner/name')
      .meta({ description: 'owner/name.' }),
    credentialsSecret: secretRef.meta({
      description: 'Secret with a fine-grained token of that repository (Issues: read and write): name, or name/key.',
    }),
    summary: templated.optional().meta({ description: 'Title of the issue. Default: the alert and its cause.' }),
    labels: z.array(templated).max(20).default([]).meta({ description: 'Labels of the issue; templates.' }),
    assignees: z
      .array(
        z
          .string()
          .max(39)
          .regex(/^[A-Za-z0-9-]{1,39}$/, 'must be the name of a user'),
      )
      .max(10)
      .default([])
      .meta({ description: 'Who the issue is assigned to.' }),
    reopenWithin,
    template: template.optional(),
  }),
  deliver(io, config, delivery) {
    const view = viewOf(delivery.payload);
    const issues = createGithubIssues(io, config, delivery, {
      title: titleFor(config.summary, summaryOf(view), mostTitleCharacters),
      body: bodyOf(view, config.template),
      labels: distinct(config.labels.map((label) => oneLine(label, 50))),
      assignees: config.assignees,
    });
    return tellTracker(issues, delivery, config, io);
  },
});

/** What a template prints, or the text in a block that it cannot end; then the links. */
function bodyOf(view: PayloadView, rendered: string | undefined): string {
  const text =
    rendered === undefined
      ? codeBlock(cutText(view.text.trim(), mostBodyCharacters))
      : cutText(rendered, mostBodyCharacters);
  const links = linksOf(view).map(
    ({ href, text: shown }) => `[${shown}](${href.replace(/[()<>]/g, encodeURIComponent)})`,
  );
  return [text, links.join(' | ')].filter((part) => part !== '').join('\n\n');
}

/** Text as GitHub shows it: no markup, and neither a mention nor a reference, which GitHub makes of text that is escaped as well. */
function markdownText(text: string): string {
  return text
    .split('\n')
    .map((line) => plainText(line, mostBodyCharacters))
    .join('\n')
    .replace(/@(?=[A-Za-z0-9])/g, `@${nothing}`)
    .replace(/#(?=\d)/g, `#${nothing}`)
    .replace(/\bGH-(?=\d)/gi, (match) => match + nothing);
}

/** A word joiner, as an entity: it shows as nothing and breaks a word. */
const nothing = '&#8288;';
