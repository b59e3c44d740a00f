/**
 * Brings the document to what a view says, changing only what differs: what has the focus keeps it, what was
 * scrolled stays where it is, what moves goes on moving. The only file that makes elements.
 */
import type { Child, ViewNode } from './node.ts';

const svgNamespace = 'http://www.w3.org/2000/svg';
const keys = new WeakMap<Element, string>();

/** Attributes that the reader changes, and which we therefore only begin with. */
const readersOwn = new Set(['open']);

/** Makes `next` the children of `parent`. */
export function patch(parent: Element, next: readonly Child[]): void {
  const keyed = new Map<string, Element>();
  for (const element of parent.children) {
    const key = keys.get(element);
    if (key !== undefined) keyed.set(key, element);
  }
  let at: ChildNode | null = parent.firstChild;
  for (const child of next) {
    const found = matching(child, at, keyed);
    if (found === null) {
      parent.insertBefore(create(child, parent), at);
      continue;
    }
    if (found === at) at = at.nextSibling;
    else parent.insertBefore(found, at);
    update(found, child);
  }
  while (at !== null) {
    const gone: ChildNode = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function matching(child: Child, at: ChildNode | null, keyed: ReadonlyMap<string, Element>): ChildNode | null {
  if (typeof child === 'string') return at?.nodeType === Node.TEXT_NODE ? at : null;
  if (child.key !== undefined) {
    const element = keyed.get(child.key);
    return element?.localName === child.tag ? element : null;
  }
  const same = at instanceof Element && at.localName === child.tag && !keys.has(at);
  return same ? at : null;
}

function update(found: ChildNode, child: Child): void {
  if (typeof child === 'string') {
    if (found.nodeValue !== child) found.nodeValue = child;
    return;
  }
  const element = found as Element;
  for (const name of element.getAttributeNames())
    if (!child.attributes.has(name) && !readersOwn.has(name) && !isAdded(element, name))
      element.removeAttribute(name);
  for (const [name, value] of child.attributes)
    if (!readersOwn.has(name) && element.getAttribute(name) !== value) setAttribute(element, name, value);
  if (!child.attributes.has('data-managed')) patch(element, child.children);
}

/** What code beside the views has written on an element that it draws by itself. */
function isAdded(element: Element, name: string): boolean {
  return element.hasAttribute('data-managed') && /^(?:data-|width$|height$)/.test(name);
}

function setAttribute(element: Element, name: string, value: string): void {
  element.setAttribute(name, value);
  // Once somebody has chosen, the attribute alone does not change what is shown.
  if (name === 'selected' && element instanceof HTMLOptionElement) element.selected = true;
}

function create(child: Child, parent: Element): Node {
  if (typeof child === 'string') return document.createTextNode(child);
  const element = createElement(child, parent);
  if (child.key !== undefined) keys.set(element, child.key);
  for (const [name, value] of child.attributes) setAttribute(element, name, value);
  for (const inner of child.children) element.append(create(inner, element));
  return element;
}

function createElement({ tag }: ViewNode, parent: Element): Element {
  return tag === 'svg' || parent.namespaceURI === svgNamespace
    ? document.createElementNS(svgNamespace, tag)
    : document.createElement(tag);
}
