import type { Labels } from '../core/alert.ts';
import type { AlertSnapshot } from '../core/run.ts';
import { oneLine } from '../lib/printable.ts';
import { redact } from '../lib/redact.ts';
import { isExporter, namedObjects, scrapeTargetLabels } from './labels.ts';

/** Labels that differ between notifications of one alert, or say nothing about which one it is. */
const notTelling =
  /^(?:alertstate|alertname|prometheus|(?:.*_)?replica_*|(?:.+_)?uid|endpoint|metrics_path|reason|ref_id|pod_template_hash|controller_revision_hash)$/;

/** A longer one is cut where it is shown, and would silence more than was meant. Characters. */
const maxCommandLength = 1000;

/**
 * A command that silences this alert for two hours and no other one of its rule: it matches every label that tells them
 * apart. It can be pasted into a shell; values that need it are quoted for amtool and for the shell. Null where it cannot
 * be shown as it has to be typed (control characters, secrets, too long), and for what was asked without an alert.
 */
export function silenceCommand({ name, labels, fingerprint }: AlertSnapshot): string | null {
  if (fingerprint === '') return null;
  const matchers = [matcher('alertname', name)];
  for (const label of tellingLabels(name, labels)) matchers.push(matcher(label, labels[label] ?? ''));
  const command = `amtool silence add --duration=2h --comment=investigating ${matchers.join(' ')}`;
  return oneLine(redact(command), maxCommandLength) === command ? command : null;
}

/** The scrape target's own labels change with each restart of an exporter, and its job is that of all objects; where nothing else names the object, they do. */
function tellingLabels(name: string, labels: Labels): readonly string[] {
  const { objects, instance } = namedObjects(name, labels);
  const isNamed = objects.length > 0 || instance !== null;
  const own = isNamed ? scrapeTargetLabels(name, labels) : new Set<string>();
  const isOwn = (label: string) => own.has(label) || (isNamed && label === 'job' && isExporter(labels['job'] ?? ''));
  return Object.keys(labels)
    .filter((label) => labels[label] !== '' && !isOwn(label) && !notTelling.test(label))
    .toSorted();
}

/** `name=value`, or `'name="value"'`, which both parsers of amtool read alike. One word for a shell. */
function matcher(name: string, value: string): string {
  const isName = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
  if (isName && /^[A-Za-z0-9][A-Za-z0-9_.:-]*$/.test(value)) return `${name}=${value}`;
  return `'${`${isName ? name : quoted(name)}=${quoted(value)}`.replaceAll("'", "'\\''")}'`;
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}
