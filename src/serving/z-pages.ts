/**
 * What the server says of itself to people who look for a fault: `/statusz` and `/flagz`, as text or, when asked for by
 * kind, as an object of config.k8s.io/v1beta1.
 *
 * Source: Kubernetes documentation, "Kubernetes z-pages" (on by default since v1.36).
 */
import { notAcceptable } from '#apimachinery/status-error.ts';
import { acceptedTypes } from './accepted-types.ts';

export interface ZView {
  /** `kube-apiserver`. */
  readonly component: string;
  readonly version: ZVersion;
  /** Others that the same port has. */
  readonly paths: readonly string[];
  readonly startedMs: number;
  readonly nowMs: number;
  /** As they were given, or their defaults, by name without dashes. */
  readonly flags: Readonly<Record<string, string>>;
}

/** As /version tells it. */
export interface ZVersion {
  readonly goVersion: string;
  readonly gitVersion: string;
  readonly emulationMajor: string;
  readonly emulationMinor: string;
  readonly minCompatibilityMajor: string;
  readonly minCompatibilityMinor: string;
}

export interface ZPage {
  readonly contentType: string;
  readonly body: string;
}

interface Page {
  readonly kind: string;
  readonly title: string;
  fields(view: ZView): object;
  lines(view: ZView): readonly string[];
}

const pages: Readonly<Record<string, Page>> = {
  '/statusz': {
    kind: 'Statusz',
    title: 'statusz',
    fields: ({ version, startedMs, nowMs, paths }) => ({
      startTime: new Date(startedMs).toISOString().replace(/\.\d+Z$/, 'Z'), uptimeSeconds: Math.floor((nowMs - startedMs) / 1000), goVersion: version.goVersion, binaryVersion: version.gitVersion.replace(/^v/, ''),
      emulationVersion: `${version.emulationMajor}.${version.emulationMinor}`, minimumCompatibilityVersion: `${version.minCompatibilityMajor}.${version.minCompatibilityMinor}`, paths,
    }),
    lines: ({ version, startedMs, nowMs, paths }) => [
      `Started: ${unixDate(startedMs)}`, `Up: ${upTime(nowMs - startedMs)}`, `Go version: ${version.goVersion}`, `Binary version: ${version.gitVersion.replace(/^v/, '')}`,
      `Emulation version: ${version.emulationMajor}.${version.emulationMinor}`, `Paths: ${paths.join(' ')}`,
    ],
  },
  '/flagz': {
    kind: 'Flagz',
    title: 'flags',
    fields: ({ flags }) => ({ flags }),
    lines: ({ flags }) => Object.entries(flags).map(([name, value]) => `${name}=${value}`).sort(),
  },
};

/** The page at a path; undefined when there is none. Throws a 406 for JSON that does not say of which kind. */
export function zPage(path: string, accept: string, view: ZView): ZPage | undefined {
  const page = pages[path];
  if (page === undefined) return undefined;
  for (const { type, parameters: { as, g, v } } of accept === '' ? [{ type: '*/*', parameters: {} as Readonly<Record<string, string>> }] : acceptedTypes(accept)) {
    if (type === '*/*' || type === 'text/*' || type === 'text/plain') return { contentType: 'text/plain; charset=utf-8', body: textOf(page, view) };
    if (type !== 'application/json' || as !== page.kind || g !== 'config.k8s.io' || v !== 'v1beta1') continue;
    const body = { kind: page.kind, apiVersion: 'config.k8s.io/v1beta1', metadata: { name: view.component }, ...page.fields(view) };
    return { contentType: 'application/json', body: `${JSON.stringify(body)}\n` };
  }
  throw notAcceptable(['text/plain', `application/json;v=v1beta1;g=config.k8s.io;as=${page.kind}`]);
}

function textOf(page: Page, view: ZView): string {
  const warning = 'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';
  return `\n${view.component} ${page.title}\n${warning}\n\n${page.lines(view).join('\n')}\n`;
}

/** `Wed Oct 16 21:03:43 UTC 2024` */
function unixDate(ms: number): string {
  const [day = '', date = '', month = '', year = '', time = ''] = new Date(ms).toUTCString().replace(',', '').split(' ');
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${time} UTC ${year}`;
}

/** `0 hr 00 min 16 sec` */
function upTime(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (count: number): string => String(count).padStart(2, '0');
  return `${Math.floor(seconds / 3600)} hr ${two(Math.floor(seconds / 60) % 60)} min ${two(seconds % 60)} sec`;
}
