import type { StrictVendor } from '../sink-suite.ts';
import { startVendor } from '../vendor.ts';
import type { VendorAnswer, VendorRequest } from '../vendor.ts';

// Issues of one repository, as GitHub's REST API describes them.

export interface FakeGithubIssue {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
  readonly assignees: readonly string[];
  readonly comments: string[];
  state: 'open' | 'closed';
  closed_at: string | null;
}

export interface FakeGithub extends StrictVendor {
  readonly issues: FakeGithubIssue[];
  /** Answers to the next requests, in place of its own. */
  readonly answers: VendorAnswer[];
}

export async function startGithub(token: string, now: () => number = Date.now): Promise<FakeGithub> {
  const issues: FakeGithubIssue[] = [];
  const shown: string[] = [];
  const answers: VendorAnswer[] = [];

  function invalid(...fields: readonly string[]): VendorAnswer {
    const errors = fields.map((field) => ({ resource: 'Issue', code: 'invalid', field }));
    return { status: 422, body: { message: 'Validation Failed', errors } };
  }

  function take(body: unknown): string | null {
    if (typeof body !== 'string' || body.length > 65_536) return null;
    shown.push(rendered(body));
    return body;
  }

  function create({ json }: VendorRequest): VendorAnswer {
    const { title, body, labels = [], assignees = [] } = json as Partial<FakeGithubIssue>;
    if (typeof title !== 'string' || title.trim() === '' || title.length > 256) return invalid('title');
    if (labels.some((label) => typeof label !== 'string' || label === '' || label.length > 50))
      return invalid('labels');
    if (assignees.some((name) => name !== 'octocat')) return invalid('assignees');
    const text = take(body);
    if (text === null) return invalid('body');
    const issue: FakeGithubIssue = {
      number: issues.length + 1,
      title,
      body: text,
      labels,
      assignees,
      comments: [],
      state: 'open',
      closed_at: null,
    };
    issues.push(issue);
    return { status: 201, body: viewOf(issue) };
  }

  function viewOf({ number, title, body, state, closed_at }: FakeGithubIssue): object {
    return { number, title, body, state, closed_at };
  }

  function ofIssue(issue: FakeGithubIssue, rest: string, { method, json }: VendorRequest): VendorAnswer {
    if (method === 'GET' && rest === '') return { status: 200, body: viewOf(issue) };
    if (method === 'PATCH' && rest === '') {
      const { state } = json as { state?: 'open' | 'closed' };
      if (state !== 'open' && state !== 'closed') return invalid('state');
      issue.state = state;
      issue.closed_at = state === 'closed' ? new Date(now()).toISOString() : null;
      return { status: 200, body: viewOf(issue) };
    }
    if (method === 'GET' && rest === '/comments')
      return { status: 200, body: issue.comments.map((body) => ({ body })) };
    if (method === 'POST' && rest === '/comments') {
      const text = take((json as { body?: unknown }).body);
      if (text === null) return invalid('body');
      issue.comments.push(text);
      return { status: 201, body: { id: issue.comments.length } };
    }
    return { status: 404 };
  }

  const vendor = await startVendor((request): VendorAnswer => {
    const { method, path, query, headers } = request;
    const given = answers.shift();
    if (given !== undefined) return given;
    if (headers.authorization !== `Bearer ${token}`) return { status: 401, body: { message: 'Bad credentials' } };
    if (headers['user-agent'] === undefined)
      return { status: 403, body: { message: 'Request forbidden by administrative rules.' } };
    if (headers['x-github-api-version'] !== '2022-11-28') return { status: 400 };
    const [, repository, number, rest = ''] = /^\/repos\/([^/]+\/[^/]+)\/issues(?:\/(\d+)(\/.*)?)?$/.exec(path) ?? [];
    if (repository !== 'example/incidents') return { status: 404, body: { message: 'Not Found' } };
    if (number === undefined) {
      if (method === 'POST') return create(request);
      const size = Number(query.get('per_page') ?? 30);
      const wanted = query.get('state') === 'all' ? issues : issues.filter(({ state }) => state === 'open');
      return { status: 200, body: wanted.toReversed().slice(0, Math.min(100, size)).map(viewOf) };
    }
    const issue = issues[Number(number) - 1];
    return issue === undefined ? { status: 404, body: { message: 'Not Found' } } : ofIssue(issue, rest, request);
  });
  return { vendor, effects: () => issues.length, shown: () => shown, issues, answers };
}

/** What becomes of Markdown: code and comments are left out, and what is left is shown with its markup as tags. */
function rendered(markdown: string): string {
  const text = markdown
    .replace(/^(`{3,})[^\n]*\n[\s\S]*?\n\1$/gm, '')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/\[(?:Run|Runbook|Query)\]\([^()<>\s]*\)/g, '')
    // Escapes are gone by the time that mentions and references are looked for.
    .replace(/\\([!-/:-@[-`{-~])/g, (_, sign: string) => (/[@#]/.test(sign) ? sign : `&#${sign.charCodeAt(0)};`));
  return text
    .replace(/!?\[[^\]]*\]\([^)]*\)/g, '<link>')
    .replace(/<(?=[A-Za-z/!])/g, '<tag ')
    .replace(/\bhttps?:\/\/|\bwww\./g, '<autolink>')
    .replace(/(?<![\w&])@[A-Za-z0-9]/g, '<mention>')
    .replace(/(?<!&)#\d|\bGH-\d/g, '<reference>');
}
