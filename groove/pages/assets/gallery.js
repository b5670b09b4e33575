"use strict";
// The gallery of levels: dialogs, and two agents that act on a level, at three ages.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const PACE = 180; // milliseconds a step
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  // Puts the level of a card on a board, with an agent if it shall act; returns the function that shows one step.
  const stage = (board, picture) => {
    const svg = picture.cloneNode(true);
    board.replaceChildren(svg);
    const size = svg.viewBox.baseVal.width;
    const agents = ["agent", "halo"].map((name, i) => {
      const circle = document.createElementNS(SVG, "circle");
      circle.setAttribute("class", name);
      circle.setAttribute("r", String(0.2 + 0.06 * i));
      svg.append(circle);
      return circle;
    });
    return (act, step) => {
      const at = Math.min(step, act.cells.length - 1);
      const [row, col] = [Math.floor(act.cells[at] / size), act.cells[at] % size];
      agents.forEach((circle) => { circle.style.transform = `translate(${col + 0.5}px, ${row + 0.5}px)`; });
      svg.querySelectorAll(".object").forEach((object) => {
        object.classList.toggle("gone", !((act.present[at] >> Number(object.dataset.object)) & 1));
      });
    };
  };

  const told = (act, step) => {
    const taken = Math.min(step, act.reward.length);
    const sum = act.reward.slice(0, taken).reduce((a, b) => a + b, 0);
    const over = taken === act.reward.length ? (act.ended ? ", episode over" : ", record over") : "";
    return `return so far ${sum.toFixed(2)}${over}. After ${act.age} updates: mean ${act.mean}, n = ${act.n} episodes`;
  };

  const prepare = (dialog, picture) => {
    const boards = [...dialog.querySelectorAll(".stage")];
    const data = dialog.querySelector(".acts");
    if (!data) {
      boards[0].querySelector(".board").replaceChildren(picture.cloneNode(true));
      return { begin() {}, end() {} };
    }
    const lives = JSON.parse(data.textContent);
    const shows = boards.map((each) => stage(each.querySelector(".board"), picture));
    const [slider, output, button] = ["input[type=range]", "output", "[data-play]"].map((s) => dialog.querySelector(s));
    const ages = [...dialog.querySelectorAll("input[type=radio]")];
    let timer = null;
    const acts = () => lives.map((life) => life[ages.findIndex((age) => age.checked)]);
    const show = () => {
      const step = Number(slider.value);
      output.textContent = `${step} of ${slider.max}`;
      acts().forEach((act, i) => {
        shows[i](act, step);
        boards[i].querySelector(".told").textContent = told(act, step);
      });
    };
    const pause = () => {
      clearInterval(timer);
      timer = null;
      button.textContent = "Play";
    };
    const play = () => {
      pause();
      if (slider.value === slider.max) slider.value = "0";
      button.textContent = "Pause";
      timer = setInterval(() => {
        slider.value = String(Number(slider.value) + 1);
        show();
        if (slider.value === slider.max) pause();
      }, PACE);
      show();
    };
    const choose = () => {
      slider.max = String(Math.max(...acts().map((act) => act.cells.length - 1)));
      slider.value = "0";
      show();
      if (!still) play();
    };
    ages.forEach((age) => age.addEventListener("change", choose));
    slider.addEventListener("input", () => { pause(); show(); });
    button.addEventListener("click", () => (timer ? pause() : play()));
    return { begin: choose, end: pause };
  };

  const players = new Map();
  const open = (name) => {
    const dialog = document.getElementById(name);
    const card = document.querySelector(`[data-opens="${name}"]`);
    if (!players.has(name)) players.set(name, prepare(dialog, card.querySelector("svg")));
    dialog.showModal();
    players.get(name).begin();
  };
  document.querySelectorAll("[data-opens]").forEach((card) => {
    card.addEventListener("click", () => open(card.dataset.opens));
  });
  document.querySelectorAll("dialog").forEach((dialog) => {
    dialog.addEventListener("close", () => players.get(dialog.id).end());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
    dialog.querySelectorAll("[data-move]").forEach((button) => {
      button.addEventListener("click", () => {
        const others = [...dialog.parentElement.querySelectorAll("dialog")];
        dialog.close();
        open(others[others.indexOf(dialog) + Number(button.dataset.move)].id);
      });
    });
  });
})();
