/** Milliseconds of one clock that page and worker share and that no one sets: their ages are differences of it. */
export const clock = () => performance.timeOrigin + performance.now();
