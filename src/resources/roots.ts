import { nextOfUnknown } from '../lib/similar.ts';

/** What renders a template: it decides which names there are. */
export type TemplateOwner = 'Workflow' | 'Sink';

/** The first names that a template can begin with (`.alert`), as `templateRoots` of Workflows and `templateData` of Sinks give them. */
export const templateRootNames: Readonly<Record<TemplateOwner, readonly string[]>> = {
  Workflow: ['source', 'alert', 'steps', 'workflow', 'env'],
  Sink: ['event', 'source', 'workflow', 'data', 'alert', 'report', 'run', 'timestamp', 'text', 'sameAs', 'steps'],
};

/** What stands here for a root of Alertmanager's or Prometheus' templates; what follows the root follows this too. */
const replacements: ReadonlyMap<string, string> = new Map([
  ['Status', '.alert.status'],
  ['Labels', '.alert.labels'],
  ['CommonLabels', '.alert.labels'],
  ['GroupLabels', '.alert.labels'],
  ['ExternalLabels', '.alert.labels'],
  ['Annotations', '.alert.annotations'],
  ['CommonAnnotations', '.alert.annotations'],
  ['StartsAt', '.alert.startsAt'],
  ['EndsAt', '.alert.endsAt'],
  ['GeneratorURL', '.alert.generatorURL'],
  ['Fingerprint', '.alert.fingerprint'],
]);

/** Those that nothing stands for as it is, with what to do instead. */
const advice: ReadonlyMap<string, Readonly<Record<TemplateOwner, string>>> = new Map([
  [
    'Alerts',
    both('write .alert: each alert has a run and deliveries of its own, and .alert.status says whether it fires'),
  ],
  [
    'ExternalURL',
    { Sink: 'write .run.url, the address of the run', Workflow: 'write .alert.generatorURL, or .workflow.runId' },
  ],
  ['Receiver', { Sink: 'write the name of the Sink', Workflow: 'write .source.name' }],
  ['GroupKey', both('write .alert.fingerprint: each alert has a run and deliveries of its own')],
  ['TruncatedAlerts', both('remove it: nothing is left out of an alert')],
  ['Value', both('let the rule put it into an annotation ({{ $value }} there), and write .alert.annotations.NAME')],
]);

function both(text: string): Readonly<Record<TemplateOwner, string>> {
  return { Sink: text, Workflow: text };
}

/** What is wrong with a chain of fields whose first is no root, and what to write; null where it is one. */
export function foreignRoot(
  path: readonly (string | number)[],
  owner: TemplateOwner,
): { readonly message: string; readonly next: string } | null {
  const [root, ...rest] = path;
  const roots = templateRootNames[owner];
  if (typeof root !== 'string' || roots.includes(root)) return null;
  // Alertmanager's webhook has the same names with a small letter.
  const name = root.charAt(0).toUpperCase() + root.slice(1);
  const replacement = replacements.get(name);
  const next = replacement === undefined ? advice.get(name)?.[owner] : `write ${[replacement, ...rest].join('.')}`;
  if (next !== undefined) return { message: `.${root} is a name of Alertmanager and Prometheus, and empty here`, next };
  const known = `names to begin with: ${roots.map((name) => `.${name}`).join(', ')}`;
  return {
    message: `.${root} is nothing that a ${owner} has, so it is empty`,
    next: nextOfUnknown(root, roots, known, '.'),
  };
}
