/*
 * Zoom and move of the drawing: Ctrl and wheel, two fingers, dragging, buttons, keys. At scale 1 everything is seen
 * and the page scrolls as ever; what is larger is moved inside its frame.
 */
(() => {
  "use strict";
  const page = window.playground;
  const architecture = (page.architecture ||= {});
  const MOST = 8;

  /* `frame` clips, `world` is moved; `changed(scale)` is told of every change. */
  architecture.zooming = (frame, world, changed) => {
    let scale = 1, x = 0, y = 0;
    const apply = () => {
      const wide = frame.clientWidth, high = frame.clientHeight;
      x = Math.min(0, Math.max(x, wide - world.offsetWidth * scale));
      y = Math.min(0, Math.max(y, high - world.offsetHeight * scale));
      if (scale === 1) x = Math.max(0, (wide - world.offsetWidth) / 2);
      world.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
      frame.classList.toggle("zoomed", scale > 1);
      changed(scale);
    };
    const to = (wanted, cx = frame.clientWidth / 2, cy = frame.clientHeight / 2) => {
      const next = Math.max(1, Math.min(MOST, wanted));
      x = cx - ((cx - x) * next) / scale;
      y = cy - ((cy - y) * next) / scale;
      scale = next;
      apply();
    };
    const move = (dx, dy) => { const before = [x, y]; x += dx; y += dy; apply(); return before[0] !== x || before[1] !== y; };
    /* A place of the world, in the middle and as large as fits. */
    const on = (place) => {
      scale = Math.max(1, Math.min(MOST, 0.9 * Math.min(frame.clientWidth / place.w, frame.clientHeight / place.h)));
      x = frame.clientWidth / 2 - (place.x + place.w / 2) * scale;
      y = frame.clientHeight / 2 - (place.y + place.h / 2) * scale;
      apply();
    };
    /* Moved so far that a place is seen. */
    const reveal = (place) => {
      if (scale === 1) return;
      const left = place.x * scale + x, top = place.y * scale + y, w = place.w * scale, h = place.h * scale;
      if (left < 0 || left + w > frame.clientWidth) x = frame.clientWidth / 2 - (place.x + place.w / 2) * scale;
      if (top < 0 || top + h > frame.clientHeight) y = frame.clientHeight / 2 - (place.y + place.h / 2) * scale;
      apply();
    };

    const at = (event) => { const box = frame.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    frame.addEventListener("wheel", (event) => {
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        to(scale * Math.exp(-event.deltaY / 300), ...at(event));
      } else if (scale > 1 && move(-event.deltaX, -event.deltaY)) event.preventDefault(); // at its end, the page scrolls
    }, { passive: false });

    const fingers = new Map();
    let apart = 0, dragged = false;
    const distance = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]); };
    frame.addEventListener("pointerdown", (event) => {
      if (event.target.closest("input")) return;
      fingers.set(event.pointerId, at(event));
      dragged = false;
      if (fingers.size === 2) apart = distance();
    });
    frame.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return;
      const before = fingers.get(event.pointerId), now = at(event);
      if (fingers.size === 1 && scale > 1) {
        if (!dragged && Math.hypot(now[0] - before[0], now[1] - before[1]) < 5) return;
        if (!dragged) frame.setPointerCapture(event.pointerId);
        dragged = true;
        move(now[0] - before[0], now[1] - before[1]);
      }
      fingers.set(event.pointerId, now);
      if (fingers.size === 2 && apart) {
        const [a, b] = [...fingers.values()], wide = distance();
        dragged = true;
        to((scale * wide) / apart, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2);
        apart = wide;
      }
    });
    const lifted = (event) => { fingers.delete(event.pointerId); apart = 0; };
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) frame.addEventListener(name, lifted);
    frame.addEventListener("pointerleave", (event) => { if (!dragged) lifted(event); });
    frame.addEventListener("click", (event) => { if (dragged) { event.preventDefault(); event.stopPropagation(); dragged = false; } }, true);

    frame.addEventListener("keydown", (event) => {
      if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
      const by = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
      if (event.key === "+" || event.key === "=") to(scale * 1.4, ...centre());
      else if (event.key === "-") to(scale / 1.4, ...centre());
      else if (event.key === "0") to(1);
      else if (by && event.shiftKey) move(...by);
      else return;
      event.preventDefault();
    });
    // What is looked at stays in its place while it grows.
    const centre = () => {
      const held = world.querySelector("[data-id]:focus");
      if (!held) return [frame.clientWidth / 2, frame.clientHeight / 2];
      const box = held.getBoundingClientRect(), around = frame.getBoundingClientRect();
      return [box.left + box.width / 2 - around.left, box.top + box.height / 2 - around.top];
    };
    return { to, on, reveal, apply, larger: (by) => to(scale * by, ...centre()), scale: () => scale };
  };
})();
