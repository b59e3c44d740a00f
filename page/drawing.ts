/** What has to be drawn after the document is in place: the arrows between cards, and the screens of guests. */
import { arrowPath } from './graph.ts';
import type { Arrow, Box } from './graph.ts';
import { AskError, getBytes } from './http.ts';
import { readPixmap } from './ppm.ts';

const svgNamespace = 'http://www.w3.org/2000/svg';

/** Draws every picture's arrows where its cards stand now. */
export function drawArrows(): void {
  for (const picture of document.querySelectorAll<HTMLElement>('.picture')) {
    const svg = picture.querySelector('svg.arrows');
    if (svg === null) continue;
    const arrows = JSON.parse(picture.dataset['arrows'] ?? '[]') as Arrow[];
    const drawn = arrows.flatMap((arrow) => pathOf(picture, arrow));
    // Setting what is there already would restart what moves.
    const text = JSON.stringify(drawn);
    if (picture.dataset['drawn'] === text && svg.childElementCount === drawn.length) continue;
    picture.dataset['drawn'] = text;
    svg.replaceChildren(...drawn.map(({ d, className }) => pathElement(d, className)));
  }
}

type Drawn = { readonly d: string; readonly className: string };

function pathOf(picture: HTMLElement, { from, to, kind, restart }: Arrow): readonly Drawn[] {
  const cards = [from, to].map((name) =>
    picture.querySelector<HTMLElement>(`[data-machine="${CSS.escape(name)}"]`),
  );
  const [first, second] = cards;
  if (first === undefined || first === null || second === undefined || second === null) return [];
  const tone = second.dataset['tone'] ?? 'off';
  const className = `arrow ${kind} ${restart ? 'restart' : ''} to-${tone}`.replaceAll(/ +/g, ' ');
  return [{ d: arrowPath(boxIn(picture, first), boxIn(picture, second)), className }];
}

function boxIn(picture: HTMLElement, card: HTMLElement): Box {
  const [outer, inner] = [picture.getBoundingClientRect(), card.getBoundingClientRect()];
  return {
    left: inner.left - outer.left,
    top: inner.top - outer.top,
    width: inner.width,
    height: inner.height,
  };
}

function pathElement(d: string, className: string): SVGPathElement {
  const path = document.createElementNS(svgNamespace, 'path');
  path.setAttribute('d', d);
  path.setAttribute('class', className);
  path.setAttribute('marker-end', 'url(#arrow-head)');
  return path;
}

/** Fetches and shows each screen that is in the document and was not shown yet. */
export function drawScreens(): void {
  for (const place of document.querySelectorAll<HTMLElement>('[data-screen]')) {
    const path = place.dataset['screen'] ?? '';
    if (place.dataset['shown'] === path) continue;
    place.dataset['shown'] = path;
    showScreen(place, path).catch((error: unknown) => {
      const why = error instanceof AskError ? error.trouble.message : 'The picture cannot be read.';
      place.replaceChildren(why);
    });
  }
}

async function showScreen(place: HTMLElement, path: string): Promise<void> {
  const alt = place.dataset['alt'] ?? '';
  if (path.endsWith('.png')) {
    const image = new Image();
    image.alt = alt;
    image.src = path;
    await image.decode();
    place.replaceChildren(image);
    return;
  }
  const pixels = readPixmap(await getBytes(path));
  if (pixels === undefined) throw new RangeError('no pixmap');
  const canvas = document.createElement('canvas');
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', alt);
  canvas.getContext('2d')?.putImageData(new ImageData(pixels.rgba, pixels.width, pixels.height), 0, 0);
  place.replaceChildren(canvas);
}

/** Keeps the end of a log in sight, unless the reader has scrolled up. */
const tails = new WeakMap<Element, { height: number }>();
export function followTails(): void {
  for (const log of document.querySelectorAll<HTMLElement>('[data-tail]')) {
    const before = tails.get(log)?.height;
    const atEnd = before === undefined || before - log.scrollTop - log.clientHeight < 40;
    if (log.scrollHeight !== before && atEnd) log.scrollTop = log.scrollHeight;
    tails.set(log, { height: log.scrollHeight });
  }
}
