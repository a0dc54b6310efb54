import type { DeliveryVerdict } from '../core/delivery.ts';
import type { SinkDelivery } from './define.ts';
import type { Failure } from './http.ts';
import type { JiraAccess, JiraAnswer } from './jira-api.ts';
import type { Looked, TrackedIssue, Tracker } from './tracker.ts';

// Issues, as a delivery works with them.

export interface JiraIssues extends Pick<Tracker, 'find' | 'comment'> {
  /** The newest one with the label of the alert. */
  search(project: string): Promise<Looked>;
  /** The fields, and the text as the description. */
  create(fields: { readonly labels: readonly string[] } & Readonly<Record<string, unknown>>): Promise<DeliveryVerdict>;
  /** By the name of a transition or of the status that it leads to; without one the first to a category that is wanted. */
  move(issue: TrackedIssue, name: string | undefined, wanted: (category: string) => boolean): Promise<Failure | null>;
}

/** Entity property of issues and comments: which delivery made it. */
const property = 'punching-fist';
const shownFields = ['status', 'resolutiondate', 'updated'];

/** `text` makes a description or a comment, with a note behind it where there is one. */
export function createJiraIssues(
  access: JiraAccess,
  delivery: SinkDelivery,
  text: (note: string) => unknown,
): JiraIssues {
  const label = `fist-${delivery.subjectKey}`;
  const mark = [{ key: property, value: { delivery: delivery.idempotencyKey } }];

  async function isCommented(key: string): Promise<boolean | Failure> {
    const path = `/issue/${key}/comment?orderBy=-created&maxResults=50&expand=properties`;
    const answer = await access.call({ method: 'GET', path, isIdempotent: true });
    if (!answer.ok) return answer.verdict;
    const { comments = [] } = answer.body as { readonly comments?: readonly Marked[] };
    return comments.some((comment) => deliveryOf(comment.properties) === delivery.idempotencyKey);
  }

  return {
    async find(key) {
      if (!isIssueKey(key)) return { ok: true, issue: null };
      const path = `/issue/${key}?fields=${shownFields.join(',')}&properties=${property}`;
      const answer = await access.call({ method: 'GET', path, isIdempotent: true });
      if (!answer.ok) return answer.status === 404 ? { ok: true, issue: null } : answer.verdict;
      return { ok: true, issue: issueOf(answer.body, delivery) };
    },
    async search(project) {
      const jql = `project = ${quoted(project)} AND labels = ${quoted(label)} ORDER BY created DESC`;
      const body = { jql, maxResults: 1, fields: shownFields, properties: [property] };
      const path = access.isCloud ? '/search/jql' : '/search';
      const answer = await access.call({ method: 'POST', path, body, isIdempotent: true });
      if (!answer.ok) return answer.verdict;
      const [first] = (answer.body as { readonly issues?: readonly unknown[] }).issues ?? [];
      return { ok: true, issue: first === undefined ? null : issueOf(first, delivery) };
    },
    async create({ labels, ...fields }) {
      const body = { fields: { ...fields, description: text(''), labels: [label, ...labels] }, properties: mark };
      const answer = await access.call({ method: 'POST', path: '/issue', body });
      if (!answer.ok) return answer.verdict;
      const { key } = answer.body as { readonly key?: unknown };
      return { ok: true, reference: typeof key === 'string' && isIssueKey(key) ? key : null };
    },
    async comment({ reference: key }, note) {
      const known = delivery.isRepeat ? await isCommented(key) : false;
      if (typeof known === 'object') return known;
      if (known) return null;
      // A second one is found by its mark.
      const request = {
        method: 'POST',
        path: `/issue/${key}/comment`,
        body: { body: text(note), properties: mark },
        isIdempotent: true,
      };
      return failed(await access.call(request));
    },
    async move({ reference: key }, name, wanted) {
      const path = `/issue/${key}/transitions`;
      const answer = await access.call({ method: 'GET', path, isIdempotent: true });
      if (!answer.ok) return answer.verdict;
      const { transitions = [] } = answer.body as { readonly transitions?: readonly Transition[] };
      const chosen = transitions.find((transition) =>
        name === undefined ? wanted(categoryOf(transition.to)) : hasName(transition, name),
      );
      // Nothing leads there: a workflow without an end is as people want it.
      if (chosen === undefined && name === undefined) return null;
      if (chosen === undefined) {
        const names = transitions.map((transition) => String(transition.name)).join(', ');
        return {
          ok: false,
          retry: false,
          reason: `${key} has no transition "${name}" from where it is; it has ${names || 'none'}`,
        };
      }
      const body = { transition: { id: chosen.id } };
      return failed(await access.call({ method: 'POST', path, body, isIdempotent: true }));
    },
  };
}

function failed(answer: JiraAnswer): Failure | null {
  return answer.ok ? null : answer.verdict;
}

interface Status {
  readonly name?: unknown;
  readonly statusCategory?: { readonly key?: string };
}

interface Transition {
  readonly id: string;
  readonly name?: unknown;
  readonly to?: Status;
}

interface Marked {
  /** A list with comments, an object with issues. */
  readonly properties?: unknown;
}

function categoryOf(status: Status | undefined): string {
  return status?.statusCategory?.key ?? '';
}

function hasName({ name, to }: Transition, wanted: string): boolean {
  return [name, to?.name].some((known) => String(known).toLowerCase() === wanted.toLowerCase());
}

function issueOf(body: unknown, { idempotencyKey }: SinkDelivery): TrackedIssue {
  const {
    key,
    fields = {},
    properties,
  } = body as {
    readonly key: string;
    readonly fields?: {
      readonly status?: Status;
      readonly resolutiondate?: unknown;
      readonly updated?: unknown;
    };
  } & Marked;
  const { status, resolutiondate, updated } = fields;
  // One without a resolution was done at its last change, or before.
  const doneAtMs = Date.parse(String(resolutiondate ?? updated)) || 0;
  return {
    reference: key,
    isDone: categoryOf(status) === 'done',
    doneAtMs,
    isOfDelivery: deliveryOf(properties) === idempotencyKey,
  };
}

function deliveryOf(properties: unknown): string | null {
  const value: unknown = Array.isArray(properties)
    ? (properties as readonly { readonly key?: unknown; readonly value?: unknown }[]).find(
        ({ key }) => key === property,
      )?.value
    : (properties as Readonly<Record<string, unknown>> | undefined)?.[property];
  const delivery = (value as { readonly delivery?: unknown } | null | undefined)?.delivery;
  return typeof delivery === 'string' ? delivery : null;
}

/** `OPS-12`. */
function isIssueKey(text: string): boolean {
  return /^[A-Z][A-Z0-9_]*-\d+$/.test(text);
}

/** Text in JQL. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
