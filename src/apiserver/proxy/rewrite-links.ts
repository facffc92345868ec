/**
 * Pages that are seen through a proxy have their links lead through it. Pure.
 * Source: Kubernetes' proxy transport: which attributes of which elements hold links.
 */
const linksOf: Readonly<Record<string, readonly string[]>> = {
  a: ['href'], applet: ['codebase'], area: ['href'], audio: ['src'], base: ['href'], blockquote: ['cite'], body: ['background'], button: ['formaction'], command: ['icon'], del: ['cite'],
  embed: ['src'], form: ['action'], frame: ['longdesc', 'src'], head: ['profile'], html: ['manifest'], iframe: ['longdesc', 'src'], img: ['longdesc', 'src', 'usemap'],
  input: ['formaction', 'src', 'usemap'], ins: ['cite'], link: ['href'], object: ['archive', 'classid', 'codebase', 'data', 'usemap'], q: ['cite'], script: ['src'], source: ['src'], video: ['poster', 'src'],
};

export interface LinkPlace {
  /** The path of the proxy, which links are put below. */
  readonly base: string;
  /** How pages name their own server, `host:port`. */
  readonly host: string;
}

/** The page with the links that stay on its server put below the proxy. */
export function rewriteLinks(html: string, place: LinkPlace): string {
  return html.replaceAll(/<([a-zA-Z]+)((?:[^<>"']|"[^"]*"|'[^']*')*)>/g, (tag, element: string, attributes: string) => {
    const names = linksOf[element.toLowerCase()];
    if (names === undefined) return tag;
    const rewritten = attributes.replaceAll(/([\w-]+)(\s*=\s*)("([^"]*)"|'([^']*)')/g, (whole, name: string, equals: string, quoted: string, double?: string, single?: string) => {
      if (!names.includes(name.toLowerCase())) return whole;
      const mark = quoted[0] ?? '"';
      return `${name}${equals}${mark}${throughProxy(double ?? single ?? '', place)}${mark}`;
    });
    return `<${element}${rewritten}>`;
  });
}

/** Where a link leads through the proxy; one to another server, or relative to its page, stays. */
export function throughProxy(link: string, { base, host }: LinkPlace): string {
  const match = /^(?:https?:)?\/\/([^/?#]*)(.*)$/i.exec(link);
  if (match !== null) return match[1] === host ? `${base}${below(match[2] ?? '')}` : link;
  return link.startsWith('/') && !link.startsWith(`${base}/`) ? `${base}${link}` : link;
}

function below(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}
