/** The parameters of operations, in groups. Used by `openapi-paths.ts`. Source: Kubernetes' API reference. */
export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly type: 'string' | 'integer' | 'boolean';
  readonly description: string;
}

/** What parameters are for; in our words, Kubernetes' own are longer. */
const texts: Readonly<Record<string, string>> = {
  allowWatchBookmarks: 'Whether a watch may send BOOKMARK events, which tell how far it has come.',
  command: 'The program to run and its arguments, one per parameter; no shell reads them.',
  container: 'The container, where the pod has several.',
  continue: 'The token that the page before gave; the other parameters must be those of that page.',
  dryRun: 'All: everything is checked and answered as if it were done, but nothing is stored.',
  fieldManager: 'Who makes the changes, for the ownership of fields; at most 128 printable characters.',
  // Here and at `watch`: some tools know Kubernetes' document by a few of its words.
  fieldSelector: 'Narrows the list of returned objects by their fields; default: all.',
  fieldValidation: 'What to do about unknown and duplicate fields: Ignore them, Warn of them (the default) or refuse the request (Strict).',
  follow: 'Whether to go on with the lines that are still to come.',
  force: 'Whether to take fields over from other managers; only with apply.',
  gracePeriodSeconds: 'How many seconds the object has to end; 0 ends it at once.',
  ignoreStoreReadErrorWithClusterBreakingPotential: 'Whether to delete an object that cannot be read from the store, without its finalizers having their say.',
  insecureSkipTLSVerifyBackend: 'Whether not to check the certificate of the node that has the log.',
  labelSelector: 'Narrows the list of returned objects by their labels; default: all.',
  limit: 'How many objects a page has at most; more of them follow with the token `continue`.',
  limitBytes: 'How many bytes of the log to send at most.',
  namespace: 'object name and auth scope, such as for teams and projects',
  orphanDependents: 'Deprecated: propagationPolicy says the same.',
  path: 'The path of the request that is handed on.',
  ports: 'The ports to forward; needed over WebSockets.',
  pretty: "If 'true', then the output is pretty printed. Defaults to 'false' unless the user-agent indicates a browser or command-line HTTP tool (curl and wget).",
  previous: 'Whether to send the log of the instance before the last start.',
  propagationPolicy: 'What becomes of dependents: Orphan, Background or Foreground.',
  resourceVersion: 'How old an answer may be.',
  resourceVersionMatch: 'How resourceVersion is meant: Exact or NotOlderThan.',
  sendInitialEvents: 'Whether a watch begins with an ADDED event of each object and a bookmark after them.',
  shardSelector: 'Which objects, by a part of the range of a hash.',
  sinceSeconds: 'Only lines that are not older than so many seconds.',
  stderr: 'Whether the standard error stream is wanted.',
  stdin: 'Whether the standard input stream is wanted.',
  stdout: 'Whether the standard output stream is wanted.',
  stream: 'Which stream of the log: All, Stdout or Stderr.',
  tailLines: 'How many lines from the end of the log.',
  timeoutSeconds: 'After how many seconds a list or watch is ended.',
  timestamps: 'Whether each line begins with its time.',
  tty: 'Whether there is to be a terminal.',
  watch: 'Watch for changes to the described resources instead of getting a list.',
};

function query(type: Parameter['type'], ...names: readonly string[]): readonly Parameter[] {
  return names.map((name) => ({ name, in: 'query', type, description: texts[name] ?? '' }));
}

function inPath(name: string, description: string): Parameter {
  return { name, in: 'path', type: 'string', description };
}

export const namespaceParameter = inPath('namespace', texts['namespace'] ?? '');
export const pathParameter = inPath('path', 'path to the resource');
/** `{name}` of objects of a kind. */
export function nameParameter(kind: string): Parameter {
  return inPath('name', `name of the ${kind}`);
}

export const pretty = query('string', 'pretty');
export const resourceVersion = query('string', 'resourceVersion');
export const writing = query('string', 'dryRun', 'fieldManager', 'fieldValidation');
export const forcing = query('boolean', 'force');
export const selecting = [
  ...query('string', 'continue', 'fieldSelector', 'labelSelector', 'resourceVersion', 'resourceVersionMatch', 'shardSelector'),
  ...query('integer', 'limit', 'timeoutSeconds'),
  ...query('boolean', 'sendInitialEvents'),
];
export const listing = [...selecting, ...query('boolean', 'allowWatchBookmarks', 'watch')];
export const deleting = [
  ...query('string', 'dryRun', 'propagationPolicy'),
  ...query('integer', 'gracePeriodSeconds'),
  ...query('boolean', 'ignoreStoreReadErrorWithClusterBreakingPotential', 'orphanDependents'),
];
const streaming = query('boolean', 'stderr', 'stdin', 'stdout', 'tty');

/** Of subresources with a behaviour of their own. */
export const special: Readonly<Record<string, readonly Parameter[]>> = {
  exec: [...query('string', 'command', 'container'), ...streaming],
  attach: [...query('string', 'container'), ...streaming],
  portforward: query('integer', 'ports'),
  proxy: query('string', 'path'),
  log: [
    ...query('string', 'container', 'stream'),
    ...query('integer', 'limitBytes', 'sinceSeconds', 'tailLines'),
    ...query('boolean', 'follow', 'insecureSkipTLSVerifyBackend', 'previous', 'timestamps'),
  ],
};
