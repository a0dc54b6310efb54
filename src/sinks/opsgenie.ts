import { z } from 'zod';
import type { DeliveryVerdict } from '../core/delivery.ts';
import { cutText } from '../lib/cut.ts';
import { rule } from '../lib/rule.ts';
import { parseSecretReference, secretRef } from '../lib/secret-reference.ts';
import { distinct } from '../lib/words.ts';
import { percent } from '../report/words.ts';
import { defineSink } from './define.ts';
import type { SinkDelivery, SinkIo } from './define.ts';
import { endpoint, facts, tags, template, templated } from './fields.ts';
import { below, jsonOf, sendRequest } from './http.ts';
import { mostAnswerBytes, outcomeOf, takenBefore, takenId } from './opsgenie-requests.ts';
import { runLink, summaryOf, titleFor, viewOf } from './payload.ts';
import type { PayloadView } from './payload.ts';

/** Limits of the Alert API (docs.opsgenie.com: alert-api), in characters; those of details are for all of them together. */
const most = { message: 130, description: 15_000, entity: 512, tags: 20, tag: 50, details: 8000, note: 25_000 };

const priorities = { critical: 'P1', warning: 'P3', info: 'P5' } as const satisfies Record<string, string>;

const responder = z
  .strictObject({
    type: z
      .enum(['team', 'user', 'escalation', 'schedule'])
      .meta({ description: 'team, user, escalation or schedule.' }),
    id: z.string().min(1).max(255).optional().meta({ description: 'Id of it.' }),
    name: z.string().min(1).max(255).optional().meta({ description: 'Name of a team, escalation or schedule.' }),
    username: z.string().min(1).max(255).optional().meta({ description: 'E-mail address of a user.' }),
  })
  .check(
    rule(
      '[has(self.id), has(self.name), has(self.username)].filter(one, one).size() == 1',
      'needs exactly one of id, name and username',
      ({ id, name, username }) => [id, name, username].filter((one) => one !== undefined).length === 1,
    ),
  );

const settings = z.object({
  endpoint: endpoint.default('https://api.opsgenie.com'),
  apiKey: secretRef.meta({ description: 'Secret with the API key of an API integration: name, or name/key.' }),
  summary: templated.optional().meta({ description: 'Title of the alert. Default: the alert and its cause.' }),
  priority: templated.optional().meta({ description: 'P1 to P5. Default: by the severity, P1, P3 or P5.' }),
  tags: tags.default([]).meta({ description: 'Tags of the alert; each is a template, empty ones are left out.' }),
  responders: z.array(responder).max(50).default([]).meta({ description: 'Whom the alert is for.' }),
  details: facts.default({}).meta({ description: 'Further facts by name; values are templates.' }),
  template: template.optional(),
});

type Settings = z.output<typeof settings>;

/**
 * Alert API of Opsgenie, which Jira Service Management has too. An alert has one alias for ever: while it is open there, a
 * second request to create it counts one more and changes nothing, so that what is known is brought up to date by itself. The
 * answer 202 says that the request was taken and is well-formed; what becomes of it is looked at by the same attempt, and where it is
 * not done yet by the next ones.
 */
export const opsgenie = defineSink({
  type: 'opsgenie',
  description: 'An alert in Opsgenie or Jira Service Management: created, brought up to date, closed.',
  example: { apiKey: 'opsgenie-api-key' },
  remembers: true,
  escape: withoutTags,
  config: settings,
  async deliver(io, config, delivery): Promise<DeliveryVerdict> {
    const view = viewOf(delivery.payload);
    const alias = `fist-${delivery.subjectKey}`;
    const priority = config.priority?.trim() || (priorities[view.severity as keyof typeof priorities] ?? 'P3');
    if (!/^P[1-5]$/.test(priority)) {
      const reason = `priority gives ${JSON.stringify(cutText(priority, 80))}, which is none of P1 to P5`;
      return { ok: false, retry: false, reason };
    }
    const access = { endpoint: config.endpoint, headers: authorizationOf(io, config) };
    const earlier = takenBefore(delivery.known.own);
    if (earlier !== null) return outcomeOf(io, access, earlier, alias);
    const sinceMs = io.now();
    const requests: { readonly what: string; readonly id: string }[] = [];
    for (const { what, method, body } of requestsOf(view, { ...config, priority }, delivery, alias)) {
      const path = what === 'create' ? '' : `/${encodeURIComponent(alias)}/${what}?identifierType=alias`;
      const answer = await sendRequest(io, {
        method,
        url: below(config.endpoint, `/v2/alerts${path}`),
        headers: access.headers,
        body,
        maxResponseBytes: mostAnswerBytes,
        isIdempotent: what !== 'create',
      });
      if (!answer.ok) return answer.verdict;
      const id = takenId(jsonOf(answer.response));
      if (id !== null) requests.push({ what, id });
    }
    return outcomeOf(io, access, { sinceMs, requests }, alias);
  },
});

interface Request {
  readonly what: 'create' | 'close' | 'message' | 'priority' | 'description';
  readonly method: 'POST' | 'PUT';
  readonly body: object;
}

function requestsOf(
  view: PayloadView,
  config: Settings & { readonly priority: string },
  { known }: SinkDelivery,
  alias: string,
): readonly Request[] {
  const source = 'Punching Fist';
  // Also where a report comes after the end: what is closed is not opened again.
  if (view.isOver) {
    const note = cutText(`${config.template ?? withoutTags(view.text)}\n${runLink(view)}`, most.note);
    return [{ what: 'close', method: 'POST', body: { source, note } }];
  }
  const message = titleFor(config.summary, withoutTags(summaryOf(view)), most.message);
  const description = cutText(config.template ?? withoutTags(view.text), most.description);
  if (known.open === alias)
    return [
      { what: 'message', method: 'PUT', body: { message } },
      // The severity may have risen since.
      { what: 'priority', method: 'PUT', body: { priority: config.priority } },
      ...(description === '' ? [] : [{ what: 'description', method: 'PUT', body: { description } } as const]),
    ];
  const created = {
    message,
    alias,
    description,
    responders: config.responders,
    tags: distinct(config.tags.map((tag) => cutText(tag.trim(), most.tag))).slice(0, most.tags),
    details: detailsOf(view, config),
    entity: cutText(withoutTags(view.object), most.entity),
    source,
    priority: config.priority,
  };
  return [{ what: 'create', method: 'POST', body: created }];
}

/** As many as there is room for: what the operator asked for, the run, the labels. */
function detailsOf(view: PayloadView, { details }: Settings): Readonly<Record<string, string>> {
  const { cause, confidence, labels } = view;
  const own = Object.entries(labels).map(([name, value]) => [name, withoutTags(value)] as const);
  const wanted = {
    ...Object.fromEntries(own),
    ...(cause === null ? {} : { cause: withoutTags(cause) }),
    ...(cause === null || confidence === null ? {} : { confidence: percent(confidence) }),
    run: runLink(view),
    ...details,
  };
  let left = most.details;
  const taken: [string, string][] = [];
  for (const [name, text] of Object.entries(wanted).toReversed()) {
    const value = cutText(text, 2000);
    left -= name.length + value.length;
    if (left < 0) break;
    taken.push([name, value]);
  }
  return Object.fromEntries(taken.toReversed());
}

function authorizationOf(io: SinkIo, { apiKey }: Settings): Readonly<Record<string, string>> {
  return { authorization: `GenieKey ${io.secret(parseSecretReference(apiKey))}` };
}

/** Opsgenie shows some HTML: with a space behind it `<` begins no tag, and reads the same in a text message. */
function withoutTags(text: string): string {
  return text.replace(/<(?=[a-z/!?])/gi, '< ');
}
