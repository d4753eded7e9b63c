// The map below the reps, kept as a picture while it stands still: reps that move over it then cost a copy of
// that picture and themselves, not a paint of every street below them.
import type { Map as GlMap } from "maplibre-gl";

export class MapStill {
  private picture: WebGLRenderbuffer | null = null;
  private frame: WebGLFramebuffer | null = null;
  private size = [0, 0]; // of the picture's room, device pixels
  private of = ""; // which view it shows, "" when none

  constructor(private gl: WebGL2RenderingContext) {}

  /** Take what is painted so far for the picture of this view. */
  keep(map: GlMap) {
    const { gl } = this;
    this.makeRoom();
    this.copy(null, this.frame);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    this.of = this.view(map);
  }

  forget() {
    this.of = "";
  }

  shows(map: GlMap): boolean {
    return this.of !== "" && this.of === this.view(map);
  }

  /** Paint the picture over everything. */
  put() {
    const { gl } = this;
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.clear(gl.COLOR_BUFFER_BIT); // or Chromium clears what was shown already only after the copy, and the copy with it
    this.copy(this.frame, null);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  close() {
    this.gl.deleteFramebuffer(this.frame);
    this.gl.deleteRenderbuffer(this.picture);
  }

  private copy(from: WebGLFramebuffer | null, to: WebGLFramebuffer | null) {
    const { gl } = this, [width, height] = this.size;
    gl.disable(gl.SCISSOR_TEST);
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, from);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, to);
    gl.blitFramebuffer(0, 0, width, height, 0, 0, width, height, gl.COLOR_BUFFER_BIT, gl.NEAREST);
  }

  private makeRoom() {
    const { gl } = this, [width, height] = [gl.drawingBufferWidth, gl.drawingBufferHeight];
    if (this.frame && width === this.size[0] && height === this.size[1]) return;
    this.close();
    this.size = [width, height];
    this.picture = gl.createRenderbuffer();
    gl.bindRenderbuffer(gl.RENDERBUFFER, this.picture);
    gl.renderbufferStorage(gl.RENDERBUFFER, gl.RGBA8, width, height);
    this.frame = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
    gl.framebufferRenderbuffer(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.RENDERBUFFER, this.picture);
  }

  private view(map: GlMap): string {
    const { gl } = this, middle = map.getCenter();
    return [middle.lng, middle.lat, map.getZoom(), gl.drawingBufferWidth, gl.drawingBufferHeight].join();
  }
}
