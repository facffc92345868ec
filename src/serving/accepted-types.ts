/** One of the media types that a client takes. */
export interface AcceptedType {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The entries of an Accept header, in the client's order of preference. */
export function acceptedTypes(accept: string): AcceptedType[] {
  const entries = accept.split(',').map((entry) => {
    const [type = '', ...rest] = entry.split(';').map((part) => part.trim());
    const parameters: Record<string, string> = {};
    for (const parameter of rest) {
      const equals = parameter.indexOf('=');
      if (equals > 0) parameters[parameter.slice(0, equals)] = parameter.slice(equals + 1);
    }
    const q = Number(parameters['q'] ?? 1);
    return { type: type.toLowerCase(), parameters, q: Number.isNaN(q) ? 1 : q };
  });
  return entries.filter(({ q }) => q > 0).sort((left, right) => right.q - left.q || breadth(left.type) - breadth(right.type));
}

/** What is named outright comes before what a wildcard covers. */
function breadth(type: string): number {
  return type === '*/*' ? 2 : type.endsWith('/*') ? 1 : 0;
}
