// Reps as a layer of the map itself: one draw of textured points from the fleet's columns. Shapes come from
// an atlas in the theme's colours, drawn at the size they have on the screen and turned there already, so
// that a pixel costs one look-up. Points, not instanced quads: where a processor has to draw, each instance
// costs as much as a draw of its own.
import type { CustomLayerInterface, Map as GlMap } from "maplibre-gl";
import { type Fleet, GLIDE_MS, mercatorX, mercatorY, STATES } from "$/public/external/fieldcrm/components/live_map/fleet.ts";
import { MapStill } from "$/public/external/fieldcrm/components/live_map/map_still.ts";

const FLOATS = 7; // to x y, from x y, since s, look, course
const SPRITE_PX = 30; // holds every shape, however it is turned, as large as on the sheet
const CLOSE_PX = 26; // cuts the corners of a turned arrow: below half size that is a quarter of a pixel, a quarter less to paint
const COURSES = 36; // sprites of those who move, each turned by ten degrees more
const REBASE = 0.005; // of the world: floats stay exact to centimetres around their anchor
const SCALES = [1, 0.8, 0.6, 0.45, 0.35, 0.28]; // an atlas each
const SHAPES = STATES.slice(1);

const VERTEX = `#version 300 es
layout(location=0) in vec4 place;
layout(location=1) in vec3 look;
uniform vec2 centre, size;
uniform float world, now, glide, side;
flat out int left;
void main() {
  float share = glide > 0.0 ? clamp((now - look.x) / glide, 0.0, 1.0) : 1.0;
  vec2 at = (mix(place.zw, place.xy, share) - centre) * world;
  float sprite = look.y == 0.0 ? mod(floor(look.z / ${360 / COURSES}.0 + 0.5), ${COURSES}.0) : look.y + ${COURSES - 1}.0;
  left = int(sprite * side + 0.5);
  vec2 half_pixel = vec2(mod(side, 2.0) * 0.5); // a sprite's pixels lie on the screen's, or rows of it show twice
  at = floor(at + size * 0.5 - half_pixel + 0.5) + half_pixel - size * 0.5;
  gl_Position = vec4(at / size * vec2(2.0, -2.0), 0.0, 1.0);
  gl_PointSize = side;
}`;
const FRAGMENT = `#version 300 es
precision highp float; // as in the vertex shader, which has the same uniform
uniform sampler2D atlas;
uniform float side;
flat in int left;
out vec4 colour;
void main() {
  ivec2 at = ivec2(gl_PointCoord * side);
  colour = texelFetch(atlas, ivec2(at.x + left, at.y), 0);
}`;

/** How big markers are: as on the sheet for some, smaller where there are too many to be told apart. */
export function scaleFor(inView: number, width: number, height: number): number {
  const wanted = Math.sqrt((width * height) / Math.max(1, inView)) / 40;
  return SCALES.find((scale) => scale <= wanted) ?? SCALES[SCALES.length - 1];
}

export class RepLayer implements CustomLayerInterface {
  readonly id = "f-reps";
  readonly type = "custom" as const;
  readonly renderingMode = "2d" as const;
  /** Slots that another layer draws: the selected rep and few others have markers of their own. */
  apart = new Set<number>();
  scale = 1;
  glideMs = GLIDE_MS;
  drawnFrame = -1; // number of the newest frame that is drawn
  newestFrame = -1;
  onDrawn: ((frame: number) => void) | undefined;

  private map: GlMap | null = null;
  private gl: WebGL2RenderingContext | null = null;
  private program: WebGLProgram | null = null;
  private at: Record<string, WebGLUniformLocation | null> = {};
  private still: MapStill | null = null;
  private texture: WebGLTexture | null = null;
  private points: WebGLBuffer | null = null;
  private shape: WebGLVertexArrayObject | null = null;
  private floats = new Float32Array(0);
  private room = 0;
  private drawn = 0;
  private painted = 0; // side of the atlas's sprites, device pixels
  private version = -1;
  private anchor: [number, number] = [-1, -1];

  constructor(private fleet: Fleet) {}

  onAdd(map: GlMap, context: WebGLRenderingContext | WebGL2RenderingContext) {
    const gl = context as WebGL2RenderingContext;
    this.map = map;
    this.gl = gl;
    this.still = new MapStill(gl);
    this.program = link(gl);
    for (const name of ["centre", "size", "world", "now", "glide", "side", "atlas"]) {
      this.at[name] = gl.getUniformLocation(this.program, name);
    }
    this.texture = gl.createTexture();
    this.painted = 0;
    this.shape = gl.createVertexArray();
    gl.bindVertexArray(this.shape);
    this.points = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.points);
    for (const [index, size, offset] of [[0, 4, 0], [1, 3, 16]]) {
      gl.enableVertexAttribArray(index);
      gl.vertexAttribPointer(index, size, gl.FLOAT, false, FLOATS * 4, offset);
    }
    gl.bindVertexArray(null);
    this.room = 0;
    this.version = -1;
  }

  onRemove(_map: GlMap, context: WebGLRenderingContext | WebGL2RenderingContext) {
    const gl = context as WebGL2RenderingContext;
    gl.deleteTexture(this.texture);
    gl.deleteBuffer(this.points);
    gl.deleteVertexArray(this.shape);
    gl.deleteProgram(this.program);
    this.still?.close();
    this.still = this.gl = null;
  }

  /** Something but the fleet changed: who is drawn apart, or the filter. */
  touch() {
    this.version = -1;
  }

  /** As part of the whole map's paint. */
  render() {
    const { map, still } = this;
    if (!map || !still) return;
    if (map.isMoving() || map.getLayersOrder().at(-1) !== this.id) still.forget();
    else still.keep(map);
    this.paint();
  }

  /** Whether the map below stands as it was painted last, so that reps can be painted without it. */
  isStill(): boolean {
    return !!this.map && !!this.still?.shows(this.map) && this.painted === this.side();
  }

  /** Whether the fleet has changed since it was painted. */
  isBehind(): boolean {
    return this.version !== this.fleet.version;
  }

  /** Reps over the map as it stands, in an animation frame of the caller's; MapLibre allows for that. */
  repaint() {
    this.still?.put();
    this.paint();
  }

  private paint() {
    const { gl, map } = this;
    if (!gl || !map) return;
    const middle = map.getCenter();
    const centre: [number, number] = [mercatorX(middle.lng), mercatorY(middle.lat)];
    if (this.painted !== this.side()) this.paintAtlas();
    gl.bindVertexArray(this.shape);
    if (this.isBehind() || this.isFar(centre)) this.fill(centre);
    if (this.drawn) this.draw(gl, map, centre);
    gl.bindVertexArray(null);
    if (this.newestFrame !== this.drawnFrame) {
      this.drawnFrame = this.newestFrame;
      this.onDrawn?.(this.drawnFrame);
    }
  }

  private draw(gl: WebGL2RenderingContext, map: GlMap, centre: [number, number]) {
    gl.useProgram(this.program);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.STENCIL_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.uniform1i(this.at.atlas, 0);
    gl.uniform2f(this.at.centre, centre[0] - this.anchor[0], centre[1] - this.anchor[1]);
    gl.uniform2f(this.at.size, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.uniform1f(this.at.world, 512 * 2 ** map.getZoom() * map.getPixelRatio());
    gl.uniform1f(this.at.now, performance.now() / 1000);
    gl.uniform1f(this.at.glide, this.glideMs / 1000);
    gl.uniform1f(this.at.side, this.side());
    gl.drawArrays(gl.POINTS, 0, this.drawn);
  }

  private isFar(centre: [number, number]): boolean {
    return Math.abs(centre[0] - this.anchor[0]) > REBASE || Math.abs(centre[1] - this.anchor[1]) > REBASE;
  }

  /** The columns as floats around an anchor near the middle, to the graphics card. */
  private fill(centre: [number, number]) {
    const { fleet, apart } = this;
    if (this.isFar(centre)) this.anchor = centre;
    const [x0, y0] = this.anchor;
    if (this.floats.length < fleet.count * FLOATS) this.floats = new Float32Array(fleet.x.length * FLOATS);
    const out = this.floats;
    let n = 0;
    for (let slot = 0; slot < fleet.count; slot++) {
      if (fleet.isCounted || !fleet.isShown[slot] || !fleet.isPlaced[slot] || !fleet.state[slot] || apart.has(slot)) continue;
      out[n] = fleet.x[slot] - x0;
      out[n + 1] = fleet.y[slot] - y0;
      out[n + 2] = fleet.fromX[slot] - x0;
      out[n + 3] = fleet.fromY[slot] - y0;
      out[n + 4] = fleet.since[slot] / 1000;
      out[n + 5] = fleet.state[slot] - 1;
      out[n + 6] = fleet.course[slot];
      n += FLOATS;
    }
    this.drawn = n / FLOATS;
    this.version = fleet.version;
    const gl = this.gl!;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.points);
    if (this.room < out.length) {
      gl.bufferData(gl.ARRAY_BUFFER, out.byteLength, gl.DYNAMIC_DRAW);
      this.room = out.length;
    }
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, out.subarray(0, n));
  }

  /** How much of the sheet a sprite holds, px. */
  private box(): number {
    return this.scale < 0.5 ? CLOSE_PX : SPRITE_PX;
  }

  /** A sprite's side in device pixels. */
  private side(): number {
    return Math.round(this.box() * this.scale * (this.map?.getPixelRatio() ?? 1));
  }

  /** All sprites side by side, in the colours of the theme that is on: the moving ones turned, the others. */
  private paintAtlas() {
    const gl = this.gl!, side = this.side(), zoom = side / this.box();
    const canvas = document.createElement("canvas");
    canvas.width = side * (COURSES + SHAPES.length - 1);
    canvas.height = side;
    const pen = canvas.getContext("2d")!;
    for (let n = 0; n < COURSES + SHAPES.length - 1; n++) {
      pen.setTransform(zoom, 0, 0, zoom, side * (n + 0.5), side / 2);
      if (n < COURSES) pen.rotate((2 * Math.PI * n) / COURSES);
      paintState(pen, n < COURSES ? SHAPES[0] : SHAPES[n - COURSES + 1]);
    }
    this.painted = side;
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
    gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, canvas);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  }
}

function link(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram()!;
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(kind)!;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) ?? "reps' shader");
  return program;
}

/** A state's shape around the origin, as the markers of `rep_marks.ts` have it. */
function paintState(pen: CanvasRenderingContext2D, state: string) {
  const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const halo = colour("--map-halo");
  const shaped = (path: Path2D, fill: string) => {
    pen.lineJoin = "round";
    pen.lineWidth = 2;
    pen.strokeStyle = halo;
    pen.stroke(path);
    pen.fillStyle = fill;
    pen.fill(path);
  };
  const disc = (radius: number) => {
    const path = new Path2D();
    path.arc(0, 0, radius, 0, 2 * Math.PI);
    return path;
  };
  if (state === "moving") shaped(new Path2D("M0-12 9.6 10Q0 4.6-9.6 10Z"), colour("--moving"));
  else if (state === "in_visit") {
    const path = new Path2D();
    path.roundRect(-9, -9, 18, 18, 4);
    shaped(path, colour("--in-visit"));
  } else if (state === "idle") shaped(disc(9.5), colour("--idle"));
  else if (state === "silent") {
    shaped(disc(10), colour("--silent"));
    pen.strokeStyle = colour("--on-state");
    pen.lineCap = "round";
    pen.lineWidth = 2.6;
    pen.stroke(new Path2D("M-4.6 4.6 4.6-4.6"));
  } else if (state === "paused") {
    pen.fillStyle = colour("--panel");
    pen.fill(disc(11));
    pen.strokeStyle = colour("--paused");
    pen.lineWidth = 2;
    pen.stroke(disc(11));
    pen.fillStyle = colour("--paused");
    pen.fill(new Path2D("M-5-5.5h3.4v11h-3.4ZM1.6-5.5H5v11H1.6Z"));
  } else {
    pen.strokeStyle = halo;
    pen.lineWidth = 7;
    pen.stroke(disc(8));
    pen.strokeStyle = colour("--off-shift");
    pen.lineWidth = 3;
    pen.stroke(disc(8));
  }
}
