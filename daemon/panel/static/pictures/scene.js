// Head, coil and target in three dimensions. The room tells how far the coil is off, along the scalp, in depth, in tilt
// and in twist; three.js is loaded when the picture is first looked at, and the numbers stand beside it always.

import { view } from "../link.js";
import { decimal, t } from "../words.js";
import { html, useEffect, useRef, useState } from "../vendor/ui.js";
import { sideOf } from "../glance.js";

const EVERY_MS = 66;
const HEAD_M = { x: 0.075, y: 0.095, z: 0.085 };

function build(three, canvas, colours) {
  const renderer = new three.WebGLRenderer({ canvas, antialias: true, alpha: true });
  const scene = new three.Scene();
  const camera = new three.PerspectiveCamera(35, 1, 0.01, 5);
  camera.up.set(0, 0, 1);
  camera.position.set(0.1, -0.36, 0.25);
  camera.lookAt(0, 0, 0.02);
  const sun = new three.DirectionalLight(0xffffff, 2);
  sun.position.set(0.4, -0.6, 1);
  scene.add(new three.AmbientLight(0xffffff, 1.2), sun);
  const matt = (colour, more) => new three.MeshStandardMaterial({ color: colour, roughness: 0.8, ...more });
  const head = new three.Mesh(new three.SphereGeometry(1, 48, 32), matt(colours.head));
  head.scale.set(HEAD_M.x, HEAD_M.y, HEAD_M.z);
  const nose = new three.Mesh(new three.ConeGeometry(0.012, 0.03, 20), matt(colours.head));
  nose.position.set(0, HEAD_M.y, -0.01);
  for (const side of [-1, 1]) {
    const ear = new three.Mesh(new three.SphereGeometry(0.016, 16, 12), matt(colours.head));
    ear.scale.set(0.4, 1, 1.5);
    ear.position.set(side * HEAD_M.x, 0, -0.01);
    scene.add(ear);
  }
  const target = new three.Mesh(new three.TorusGeometry(0.012, 0.002, 12, 40), matt(colours.target));
  const coil = new three.Group();
  for (const side of [-1, 1]) {
    const ring = new three.Mesh(new three.TorusGeometry(0.035, 0.007, 14, 48), matt(colours.coil));
    ring.position.x = side * 0.04;
    coil.add(ring);
  }
  const handle = new three.Mesh(new three.CylinderGeometry(0.007, 0.007, 0.1, 16), matt(colours.coil));
  handle.position.y = -0.07;
  coil.add(handle);
  const arrow = () => new three.ArrowHelper(new three.Vector3(1, 0, 0), new three.Vector3(), 0.05, colours.error);
  const [aside, inwards] = [arrow(), arrow()];
  scene.add(head, nose, target, coil, aside, inwards);
  return { renderer, scene, camera, target, coil, aside, inwards, three };
}

/** Where the target lies on this picture's head: a place on the treated side, for looking at and for nothing else. */
function placeOf(three, side) {
  const across = side === "left" ? -0.6 : side === "right" ? 0.6 : 0;
  const up = new three.Vector3(across, 0.25, 0.78).normalize();
  return { up, at: new three.Vector3(up.x * HEAD_M.x, up.y * HEAD_M.y, up.z * HEAD_M.z) };
}

const MILLI = 0.001;
const LARGER = 4;
const RADIANS = Math.PI / 180;
const SHORTEST_MM = 0.2;

function point(arrow, from, along, mm) {
  arrow.visible = Math.abs(mm) >= SHORTEST_MM;
  arrow.position.copy(from);
  arrow.setDirection(mm < 0 ? along.clone().negate() : along);
  const length = Math.max(Math.abs(mm) * MILLI * LARGER, 0.012);
  arrow.setLength(length, Math.min(0.012, length), 0.008);
}

/** The coil as far off as it is, but larger; the arrows say which way back: along the scalp, and onto it. */
function pose({ three, target, coil, aside, inwards }, arm, side) {
  const { up, at } = placeOf(three, side);
  const turn = new three.Quaternion().setFromUnitVectors(new three.Vector3(0, 0, 1), up);
  target.position.copy(at).addScaledVector(up, 0.002);
  target.quaternion.copy(turn);
  const known = arm?.off_mm != null;
  coil.visible = aside.visible = inwards.visible = known;
  if (!known) return;
  const lateral = arm.lateral_mm ?? arm.off_mm;
  const depth = arm.depth_mm ?? 0;
  const across = new three.Vector3(1, 0, 0).applyQuaternion(turn);
  coil.position.copy(at).addScaledVector(up, 0.008 - depth * MILLI * LARGER);
  coil.position.addScaledVector(across, lateral * MILLI * LARGER);
  const tilt = new three.Quaternion().setFromAxisAngle(new three.Vector3(0, 1, 0), (arm.tilt_deg ?? arm.off_deg ?? 0) * RADIANS);
  const twist = new three.Quaternion().setFromAxisAngle(new three.Vector3(0, 0, 1), (arm.twist_deg ?? 0) * RADIANS);
  coil.quaternion.copy(turn).multiply(twist).multiply(tilt);
  point(aside, coil.position, across.negate(), lateral);
  point(inwards, coil.position, up.clone().negate(), -depth);
}

function Numbers() {
  const { arm } = view.value;
  const rows = [
    ["picture-lateral", arm?.lateral_mm, "mm"],
    ["picture-depth", arm?.depth_mm, "mm"],
    ["picture-tilt", arm?.tilt_deg, "°"],
    ["picture-twist", arm?.twist_deg, "°"],
  ];
  return html`<dl class="facts numbers" data-test="scene-numbers">
    ${rows.map(([key, value, unit]) => html`<div key=${key}><dt>${t(key)}</dt><dd>${decimal(value)} ${unit}</dd></div>`)}</dl>`;
}

export function Scene() {
  const canvas = useRef(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let world = null;
    let timer = 0;
    let over = false;
    const style = getComputedStyle(document.body);
    const colours = Object.fromEntries(
      ["head", "coil", "target", "error"].map((name) => [name, style.getPropertyValue(`--three-${name}`).trim()]),
    );
    const draw = () => {
      if (document.hidden || !canvas.current) return;
      const { clientWidth: width, clientHeight: height } = canvas.current;
      if (!width || !height) return;
      world.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
      world.renderer.setSize(width, height, false);
      world.camera.aspect = width / height;
      world.camera.updateProjectionMatrix();
      const { known, state, arm } = view.peek();
      pose(world, known ? arm : null, sideOf(state?.protocol));
      world.renderer.render(world.scene, world.camera);
    };
    import("../vendor/three.js")
      .then((three) => {
        if (over) return;
        world = build(three, canvas.current, colours);
        timer = setInterval(draw, EVERY_MS);
      })
      .catch(() => setFailed(true));
    return () => {
      over = true;
      clearInterval(timer);
      world?.renderer.dispose();
    };
  }, []);
  return html`
    <section class="picture scene" data-test="scene">
      <p class="picture-title">${t("picture-head")} · ${t("picture-head-note", { times: LARGER })}</p>
      ${failed
        ? html`<p class="why" data-test="scene-failed">${t("picture-not-available")}</p>`
        : html`<canvas ref=${canvas} role="img" aria-label=${t("picture-head")}></canvas>`}
      <${Numbers} />
    </section>`;
}
