import type { StrictVendor } from '../sink-suite.ts';
import { startVendor } from '../vendor.ts';
import type { VendorAnswer, VendorRequest } from '../vendor.ts';

// Jira, as its REST API describes it: version 3 of the cloud and version 2 of a server.

interface Comment {
  readonly body: unknown;
  readonly properties: unknown;
}

export interface FakeIssue {
  readonly key: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly properties: unknown;
  readonly comments: Comment[];
  status: keyof typeof statuses;
  resolutiondate: string | null;
  /** Searches that do not show it yet. */
  hidden: number;
}

export interface FakeJira extends StrictVendor {
  readonly issues: Map<string, FakeIssue>;
  /** Texts of a description or comment. */
  textOf(body: unknown): string;
}

const statuses = { 'To Do': 'new', 'In Progress': 'indeterminate', Done: 'done' } as const;
const mostText = 32_767;

export interface JiraOptions {
  readonly isCloud?: boolean;
  /** Any of these. */
  readonly authorization: readonly string[];
  /** Searches after an issue was made that do not show it. */
  readonly indexLag?: number;
  readonly now?: () => number;
}

export async function startJira({
  isCloud = true,
  authorization,
  indexLag = 1,
  now = Date.now,
}: JiraOptions): Promise<FakeJira> {
  const issues = new Map<string, FakeIssue>();
  const shown: string[] = [];
  const base = `/rest/api/${isCloud ? 3 : 2}`;

  /** As people see it; a mention, an image, a link or a macro as markup. */
  function textOf(body: unknown): string {
    return isCloud ? adfText(body) : wikiShown(String(body));
  }

  function documentProblem(body: unknown): string | null {
    if (!isCloud)
      return typeof body === 'string' && body.length <= mostText ? null : 'Operation value must be a string';
    return adfProblem(body) ?? (JSON.stringify(body).length > 4 * mostText ? 'The entered text is too long' : null);
  }

  function create({ json }: VendorRequest): VendorAnswer {
    const { fields = {}, properties } = json as { fields?: Record<string, unknown>; properties?: unknown };
    const errors: Record<string, string> = {};
    const { project, issuetype, summary, description, labels, priority } = fields as {
      readonly [name: string]: { readonly key?: unknown; readonly name?: unknown } | undefined;
    };
    if (project?.key !== 'OPS') errors['project'] = 'valid project is required';
    if (issuetype?.name !== 'Incident' && issuetype?.name !== 'Task')
      errors['issuetype'] = 'Specify a valid issue type';
    if (typeof summary !== 'string' || (summary as string).trim() === '')
      errors['summary'] = 'You must specify a summary';
    else if ((summary as string).length > 255 || /\n/.test(summary)) errors['summary'] = 'Summary is not valid';
    const problem = documentProblem(description);
    if (problem !== null) errors['description'] = problem;
    if (
      !Array.isArray(labels) ||
      labels.some((label) => typeof label !== 'string' || /\s/.test(label) || label.length > 255)
    )
      errors['labels'] = 'The label contains spaces';
    if (priority !== undefined && !['High', 'Low'].includes(String(priority.name)))
      errors['priority'] = 'The priority selected is invalid.';
    for (const name of Object.keys(fields))
      if (!['project', 'issuetype', 'summary', 'description', 'labels', 'priority'].includes(name))
        errors[name] = 'cannot be set';
    if (Object.keys(errors).length > 0) return { status: 400, body: { errorMessages: [], errors } };
    const key = `OPS-${issues.size + 1}`;
    issues.set(key, { key, fields, properties, comments: [], status: 'To Do', resolutiondate: null, hidden: indexLag });
    shown.push(JSON.stringify(summary), textOf(description));
    return { status: 201, body: { id: String(10_000 + issues.size), key, self: 'x' } };
  }

  function search({ json }: VendorRequest): VendorAnswer {
    const { jql = '' } = json as { jql?: string };
    const match = /^project = "((?:[^"\\]|\\.)*)" AND labels = "((?:[^"\\]|\\.)*)" ORDER BY created DESC$/.exec(jql);
    if (match?.[1] !== 'OPS')
      return { status: 400, body: { errorMessages: ["The value does not exist for the field 'project'."] } };
    const found = [...issues.values()].filter(({ fields }) => (fields['labels'] as string[]).includes(match[2] ?? ''));
    const visible = found.filter((issue) => (issue.hidden -= 1) < 0).toReversed();
    return { status: 200, body: { issues: visible.slice(0, 1).map(viewOf), isLast: true } };
  }

  function viewOf(issue: FakeIssue): object {
    const { key, fields, properties, status, resolutiondate } = issue;
    const [mark] = (properties ?? []) as { key: string; value: unknown }[];
    return {
      key,
      fields: {
        status: statusOf(status),
        labels: fields['labels'],
        resolutiondate,
        updated: new Date(now()).toISOString(),
      },
      properties: mark === undefined ? {} : { [mark.key]: mark.value },
    };
  }

  function ofIssue(issue: FakeIssue, rest: string, { method, json }: VendorRequest): VendorAnswer {
    if (method === 'GET' && rest === '') return { status: 200, body: viewOf(issue) };
    if (method === 'GET' && rest === '/comment')
      return { status: 200, body: { comments: issue.comments.toReversed() } };
    if (method === 'GET' && rest === '/transitions') {
      const reachable = Object.keys(statuses).filter((name) => name !== issue.status);
      const transitions = reachable.map((name, id) => ({
        id: String(id),
        name: `To ${name}`,
        to: statusOf(name as keyof typeof statuses),
      }));
      return { status: 200, body: { transitions } };
    }
    if (method === 'POST' && rest === '/comment') {
      const { body, properties } = json as { body?: unknown; properties?: unknown };
      const problem = documentProblem(body);
      if (problem !== null) return { status: 400, body: { errorMessages: [], errors: { comment: problem } } };
      issue.comments.push({ body, properties });
      shown.push(textOf(body));
      return { status: 201, body: { id: String(issue.comments.length) } };
    }
    if (method === 'POST' && rest === '/transitions') {
      const { transition } = json as { transition?: { id?: string } };
      const names = Object.keys(statuses).filter((name) => name !== issue.status) as (keyof typeof statuses)[];
      const name = names[Number(transition?.id)];
      if (name === undefined)
        return { status: 400, body: { errorMessages: ['It is not on the appropriate step.'], errors: {} } };
      issue.status = name;
      issue.resolutiondate = name === 'Done' ? new Date(now()).toISOString() : null;
      return { status: 204 };
    }
    return { status: 405 };
  }

  const vendor = await startVendor((request): VendorAnswer => {
    const { method, path, headers } = request;
    if (!authorization.includes(headers.authorization ?? ''))
      return { status: 401, body: { errorMessages: ['Unauthorized'] } };
    if (method === 'POST' && headers['content-type'] !== 'application/json') return { status: 415 };
    if (!path.startsWith(`${base}/`)) return { status: 404, body: { errorMessages: ['no such resource'] } };
    const place = path.slice(base.length);
    if (method === 'POST' && place === '/issue') return create(request);
    if (isCloud && place === '/search')
      return { status: 410, body: { errorMessages: ['The requested API has been removed.'] } };
    if (method === 'POST' && place === (isCloud ? '/search/jql' : '/search')) return search(request);
    const [, key = '', rest = ''] = /^\/issue\/([^/]+)(\/.*)?$/.exec(place) ?? [];
    const issue = issues.get(key);
    if (issue === undefined)
      return {
        status: 404,
        body: { errorMessages: ['Issue does not exist or you do not have permission to see it.'] },
      };
    return ofIssue(issue, rest, request);
  });
  return { vendor, effects: () => issues.size, shown: () => shown, issues, textOf };
}

function statusOf(name: keyof typeof statuses): object {
  return { name, statusCategory: { key: statuses[name] } };
}

interface AdfNode {
  readonly type?: unknown;
  readonly version?: unknown;
  readonly text?: string;
  readonly content?: readonly AdfNode[];
  readonly marks?: readonly { readonly type: string; readonly attrs?: { readonly href?: unknown } }[];
}

const known = new Set(['doc', 'paragraph', 'text', 'hardBreak']);

/** What Atlassian's schema of documents refuses, of the nodes that we use. */
function adfProblem(body: unknown): string | null {
  const root = body as AdfNode | null;
  if (root?.type !== 'doc' || root.version !== 1 || !Array.isArray(root.content))
    return 'Operation value must be an Atlassian Document';
  const walk = (node: AdfNode, parent: string): string | null => {
    const type = String(node.type);
    if (!known.has(type)) return `unknown node ${type}`;
    if (type === 'text' && (typeof node.text !== 'string' || node.text === '')) return 'text nodes must not be empty';
    if ((type === 'text' || type === 'hardBreak') && parent !== 'paragraph') return `${type} in ${parent}`;
    if (type === 'paragraph' && parent !== 'doc') return `paragraph in ${parent}`;
    for (const { type: mark, attrs } of node.marks ?? [])
      if (mark !== 'link' || !/^https?:\/\//.test(String(attrs?.href))) return `mark ${mark}`;
    // oxlint-disable-next-line no-control-regex -- they are what is refused
    if (/[\u0000-\u0008\u000b-\u001f\p{Cs}]/u.test(node.text ?? '')) return 'control characters';
    return (node.content ?? []).reduce<string | null>((problem, child) => problem ?? walk(child, type), null);
  };
  return root.content.reduce<string | null>((problem, child) => problem ?? walk(child, 'doc'), null);
}

function adfText(node: unknown): string {
  const { type, text, content = [], marks = [] } = node as AdfNode;
  if (type === 'hardBreak') return '\n';
  if (type !== 'text') return content.map(adfText).join('') + (type === 'paragraph' ? '\n\n' : '');
  // Our own links say where they lead; what a sender writes has none.
  return marks.length === 0 ? (text ?? '') : `(${text ?? ''})`;
}

/** What stands outside of a `noformat` block is markup; a mention works inside too. */
function wikiShown(text: string): string {
  return text
    .split(/\{noformat\}/)
    .map((part, index) =>
      index % 2 === 1
        ? part.replace(/\[~[^\]]*\]/g, '<mention>')
        : part
            .replace(/\[(Run|Runbook|Query)\|[^\]|\s]*\]/g, '($1)')
            .replace(/[^\s|()]+/g, (word) => (/^(?:Run|Runbook|Query)$/.test(word) ? word : `<markup ${word}>`)),
    )
    .join('');
}
