// Light or dark: as the system says, until somebody here says otherwise.

import { signal } from "./vendor/ui.js";

const KEPT = "coilward-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export const theme = signal("light");

const show = (name) => {
  theme.value = name;
  document.documentElement.dataset.theme = name;
};

export function startTheme() {
  const kept = () => localStorage.getItem(KEPT);
  show(kept() ?? (dark.matches ? "dark" : "light"));
  dark.addEventListener("change", () => kept() ?? show(dark.matches ? "dark" : "light"));
}

export function nextTheme() {
  const name = theme.value === "dark" ? "light" : "dark";
  localStorage.setItem(KEPT, name);
  show(name);
}
