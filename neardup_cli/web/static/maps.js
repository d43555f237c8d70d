// Affine maps between two pictures: [m11, m12, m21, m22, dx, dy], as DOMMatrix has them. Points are shares of
// a picture's sides.

export const IDENTITY = [1, 0, 0, 1, 0, 0];
export const SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1]];

export function affine([[x0, y0], [x1, y1], , [x3, y3]]) {
  return [x1 - x0, y1 - y0, x3 - x0, y3 - y0, x0, y0];
}

export const at = ([a, b, c, d, e, f], x, y) => [a * x + c * y + e, b * x + d * y + f];

export const determinant = ([a, b, c, d]) => a * d - b * c;

export function invert(map) {
  const [a, b, c, d, e, f] = map;
  const det = determinant(map) || 1e-9;
  return [d / det, -b / det, -c / det, a / det, (c * f - d * e) / det, (b * e - a * f) / det];
}

export const corners = (map) => SQUARE.map(([x, y]) => at(map, x, y));

// What of a polygon lies within the picture (Sutherland, Hodgman 1974).
export function clipped(points) {
  let kept = points;
  for (const [axis, sign, limit] of [[0, 1, 0], [0, -1, -1], [1, 1, 0], [1, -1, -1]]) {
    const depth = (point) => sign * point[axis] - limit;
    kept = kept.flatMap((point, place, all) => {
      const before = all.at(place - 1);
      const [here, there] = [depth(point), depth(before)];
      const share = there / (there - here);
      const crossing = before.map((value, index) => value + share * (point[index] - value));
      return [...(here >= 0 !== there >= 0 ? [crossing] : []), ...(here >= 0 ? [point] : [])];
    });
  }
  return kept;
}
