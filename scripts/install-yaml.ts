/**
 * Makes `deploy/install.yaml` anew from the chart: `node scripts/install-yaml.ts`. It needs helm, which is looked for in the folder of
 * KUBEBUILDER_ASSETS, then in PATH. `test/real/install-operator.test.ts` compares the file with what the chart renders.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';

const root = join(import.meta.dirname, '..');
const header = [
  '# What the chart renders with its defaults, for `fist install`; made by scripts/install-yaml.ts, do not edit.',
  '# Without the CRDs (deploy/crds), the Namespace and the Secret of the API token, which `fist install` makes.',
  '',
].join('\n');

/** An object as the chart renders it. */
interface Rendered {
  readonly kind: string;
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** What helm makes of the chart, with these further arguments of `helm template`. Throws where helm is missing or fails. */
export function renderChart(args: readonly string[] = []): readonly Rendered[] {
  const assets = process.env['KUBEBUILDER_ASSETS'] ?? '';
  const helm = existsSync(join(assets, 'helm')) ? join(assets, 'helm') : 'helm';
  const chart = join(root, 'charts/punching-fist');
  const words = ['template', 'punching-fist', chart, '--namespace', 'punching-fist', ...args];
  const { status, stdout, stderr, error } = spawnSync(helm, words, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`helm template: ${stderr}`);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
}

/** Those that `fist install` applies as they are, with its label in place of those of Helm. */
export function installObjects(rendered: readonly Rendered[]): readonly Rendered[] {
  return rendered
    .filter(({ kind, metadata }) => {
      const isHook = metadata.annotations?.['helm.sh/hook'] !== undefined;
      return !isHook && kind !== 'CustomResourceDefinition' && kind !== 'Secret';
    })
    .map((object) => {
      const labels = { ...object.metadata.labels, 'app.kubernetes.io/managed-by': 'fist' };
      const { 'helm.sh/chart': _chart, ...own } = labels as Record<string, string>;
      return { ...object, metadata: { ...object.metadata, labels: own } };
    });
}

/** The text of the file. */
export function installFile(objects: readonly Rendered[]): string {
  const documents = objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }));
  return `${header}${documents.join('---\n')}`;
}

if (import.meta.main) {
  const file = join(root, 'deploy/install.yaml');
  const text = installFile(installObjects(renderChart()));
  if (existsSync(file) && readFileSync(file, 'utf8') === text) console.log('deploy/install.yaml is up to date');
  else {
    writeFileSync(file, text);
    console.log('wrote deploy/install.yaml');
  }
}
