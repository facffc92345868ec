/** Which form of an answer a client wants. Source: Kubernetes documentation, "API concepts: alternate representations". */
export interface AnswerForm {
  readonly media: 'json' | 'yaml';
  readonly as: 'object' | 'table' | 'partial';
}

interface Accepted {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const plain: AnswerForm = { media: 'json', as: 'object' };
const parsed = new Map<string, AnswerForm | undefined>();
const parsedLimit = 200;

/** The first acceptable form in the client's order; undefined when there is none (406). */
export function negotiate(accept: string | undefined): AnswerForm | undefined {
  if (accept === undefined || accept === '' || accept === 'application/json') return plain;
  if (parsed.has(accept)) return parsed.get(accept);
  const form = firstAcceptable(accept);
  if (parsed.size >= parsedLimit) parsed.clear();
  parsed.set(accept, form);
  return form;
}

function firstAcceptable(accept: string): AnswerForm | undefined {
  for (const { type, parameters } of acceptedTypes(accept)) {
    const media = mediaOf(type);
    if (media === undefined) continue;
    const { as, v, g } = parameters;
    if (as === undefined) return { media, as: 'object' };
    if (g !== 'meta.k8s.io' || (v !== 'v1' && v !== 'v1beta1')) continue;
    if (as === 'Table') return { media, as: 'table' };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { media, as: 'partial' };
  }
  return undefined;
}

function mediaOf(type: string): AnswerForm['media'] | undefined {
  switch (type) {
    case 'application/json': case '*/*': case 'application/*':
      return 'json';
    case 'application/yaml':
      return 'yaml';
    default:
      return undefined;
  }
}

/** The entries of an Accept header, in the client's order of preference. */
export function acceptedTypes(accept: string): Accepted[] {
  const entries = accept.split(',').map((entry) => {
    const [type = '', ...rest] = entry.split(';').map((part) => part.trim());
    const parameters: Record<string, string> = {};
    for (const parameter of rest) {
      const equals = parameter.indexOf('=');
      if (equals > 0) parameters[parameter.slice(0, equals)] = parameter.slice(equals + 1);
    }
    return { type, parameters, q: Number(parameters['q'] ?? 1) };
  });
  return entries.filter(({ q }) => q > 0).sort((left, right) => right.q - left.q);
}

export const acceptableTypes: readonly string[] = ['application/json', 'application/yaml'];
