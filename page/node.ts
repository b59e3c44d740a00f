/**
 * What is to be seen, as plain values: a tree of elements that holds text and attributes and nothing else. Views
 * make it, `patch.ts` brings the document to it. Pure, so that a view is tested without a browser. Text is only
 * ever text here, and no address gets in that could run anything.
 */
export type Child = ViewNode | string;

export type ViewNode = {
  readonly tag: string;
  /** An element that stays the same one over changes of its surroundings. */
  readonly key: string | undefined;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly Child[];
};

export type AttributeValue = string | number | boolean | null | undefined;
type Content = Child | number | null | undefined | false | readonly Content[];

/**
 * An element. `false`, `null` and `undefined` leave an attribute or a child out, `true` is an attribute without
 * a value. `key` names the element among its siblings.
 * @throws Error for an attribute that would run something: only a mistake in a view can make that
 */
export function h(
  tag: string,
  attributes: Readonly<Record<string, AttributeValue>> = {},
  ...content: readonly Content[]
): ViewNode {
  const kept = new Map<string, string>();
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'key' || value === undefined || value === null || value === false) continue;
    if (/^on|^style$|^srcdoc$/i.test(name)) throw new Error(`a view must not set ${name}`);
    const text = value === true ? '' : String(value);
    kept.set(name, isAddress(name) ? safeAddress(text) : text);
  }
  const { key } = attributes;
  return {
    tag,
    key: key === undefined || key === null ? undefined : String(key),
    attributes: kept,
    children: flat(content),
  };
}

function flat(content: readonly Content[]): readonly Child[] {
  return content.flatMap((one): readonly Child[] => {
    if (one === null || one === undefined || one === false) return [];
    if (typeof one === 'number') return [String(one)];
    return Array.isArray(one) ? flat(one as readonly Content[]) : [one as Child];
  });
}

function isAddress(name: string): boolean {
  return name === 'href' || name === 'src' || name === 'action';
}

/** Places in this page, paths of this service, and http addresses; everything else becomes a link to nowhere. */
export function safeAddress(text: string): string {
  if (/^#|^\/(?!\/)/.test(text) || /^https?:\/\/[^\s]+$/i.test(text)) return text;
  return '#';
}

/** All text of a tree, in order: for tests, and for names of things that are read aloud. */
export function textOf(node: Child): string {
  return typeof node === 'string' ? node : node.children.map(textOf).join('');
}

/** Every element of a tree that the question is answered yes for. */
export function findAll(node: Child, wanted: (node: ViewNode) => boolean): readonly ViewNode[] {
  if (typeof node === 'string') return [];
  return [...(wanted(node) ? [node] : []), ...node.children.flatMap((child) => findAll(child, wanted))];
}
